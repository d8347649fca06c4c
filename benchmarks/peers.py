"""The peers: tools that count a PyTorch module by running it.

``python -m benchmarks.peers NAME`` is the cold script of one peer: it imports PyTorch, the reference models and the
tool, builds MobileNetV2, counts it and prints the figure. A tool is imported when it is loaded and not before, so a
cold script pays for its own tool alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    Count = Callable[[nn.Module, Tensor], int]

#: Exit status of a cold script whose tool is not installed.
MISSING = 3

RESOLUTION = 224


@dataclass(frozen=True)
class Peer:
    """One tool in one of its modes."""

    name: str
    package: str
    #: What the tool calls the figure it gives.
    unit: str
    #: Imports the tool; the function that it returns counts a module on an image.
    load: Callable[[], Count]
    device: str = "cpu"
    #: Whether counting changes the module, so that each count needs a copy of its own.
    alters: bool = False

    def subject(self) -> tuple[nn.Module, Tensor]:
        """MobileNetV2 in evaluation mode and an image, on the peer's device; one thread and no gradients from here on.

        On the meta device no weight is ever made.
        """
        import torch

        import reference_models

        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        with torch.device(self.device):
            return reference_models.build("mobilenet_v2").to(self.device), torch.zeros(1, 3, RESOLUTION, RESOLUTION)


def _fvcore() -> Count:
    from fvcore.nn import FlopCountAnalysis

    def count(module: nn.Module, image: Tensor) -> int:
        analysis = FlopCountAnalysis(module, image)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        return int(analysis.total())

    return count


def _flop_counter() -> Count:
    from torch.utils.flop_counter import FlopCounterMode

    def count(module: nn.Module, image: Tensor) -> int:
        with FlopCounterMode(display=False) as counter:
            module(image)
        return int(counter.get_total_flops())

    return count


def _ptflops(backend: str) -> Callable[[], Count]:
    def load() -> Count:
        from ptflops import get_model_complexity_info

        def count(module: nn.Module, image: Tensor) -> int:
            size = tuple(image.shape[1:])
            macs, _ = get_model_complexity_info(
                module, size, backend=backend, as_strings=False, print_per_layer_stat=False, verbose=False
            )
            return int(macs)

        return count

    return load


def _thop() -> Count:
    import thop

    def count(module: nn.Module, image: Tensor) -> int:
        macs, _ = thop.profile(module, inputs=(image,), verbose=False)
        return int(macs)

    return count


def _torchinfo() -> Count:
    import torchinfo

    def count(module: nn.Module, image: Tensor) -> int:
        return int(torchinfo.summary(module, input_size=tuple(image.shape), device="cpu", verbose=0).total_mult_adds)

    return count


PEERS = (
    Peer("fvcore", "fvcore", "flops", _fvcore),
    Peer("flop-counter", "torch", "flops", _flop_counter),
    Peer("flop-counter-meta", "torch", "flops", _flop_counter, device="meta"),
    Peer("ptflops", "ptflops", "macs", _ptflops("pytorch"), alters=True),
    Peer("ptflops-aten", "ptflops", "macs", _ptflops("aten"), alters=True),
    Peer("thop", "thop", "macs", _thop, alters=True),
    Peer("torchinfo", "torchinfo", "mult-adds", _torchinfo),
)


def main(name: str) -> None:
    """The cold script of one peer: build, count, print."""
    peer = next(peer for peer in PEERS if peer.name == name)
    try:
        count = peer.load()
        module, image = peer.subject()
    except ModuleNotFoundError as error:
        print(error)
        sys.exit(MISSING)
    print(count(module, image))


if __name__ == "__main__":
    main(sys.argv[1])
