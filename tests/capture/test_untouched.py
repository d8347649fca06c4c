"""A capture reads a module and leaves no trace: in it, in its inputs, in PyTorch, in the random state."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules import module as module_state
from torch.nn.utils import parametrizations
from torch.utils._python_dispatch import _get_current_dispatch_mode

from costmodel import CostModelError
from costmodel.capture.torch.api import from_torch
from tests.capture.modules import Calls


def model() -> nn.Module:
    """Of all that keeps state: statistics, dropout, a spectral norm's vectors, hooks, gradients, a frozen bias."""
    net = nn.Sequential(
        parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)),
        nn.BatchNorm2d(4),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(4 * 6 * 6, 5),
    )
    net[4].bias.requires_grad_(False)
    net[1].eval()
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    net.register_forward_pre_hook(lambda module, inputs: None)
    return net.train()


def failing() -> nn.Module:
    def forward(module: Any, x: Tensor) -> Tensor:
        module.norm(torch.rand(2, 8) + x).add_(random.random()).add_(np.random.rand())
        raise ValueError("no")

    return Calls(forward, norm=nn.BatchNorm1d(8)).train()


def bits(module: nn.Module) -> list[tuple[Any, ...]]:
    """All that can be seen of a module's tensors."""
    held = [*module.named_parameters(), *module.named_buffers()]
    return [
        (name, id(tensor), tensor.data_ptr(), tensor._version, tensor.detach().numpy().tobytes(), tensor.requires_grad,
         tensor.device, None if tensor.grad is None else (id(tensor.grad), tensor.grad.numpy().tobytes()))
        for name, tensor in held
    ]  # fmt: skip


def settings(module: nn.Module) -> list[Any]:
    return [
        list(module.state_dict()),
        [(path, id(part), type(part), part.training, dict(part._forward_hooks), dict(part._forward_pre_hooks),
          dict(part._backward_hooks), sorted(vars(part))) for path, part in module.named_modules()],
    ]  # fmt: skip


def surroundings() -> list[Any]:
    """What is global: hooks, modes, defaults, generators."""
    _, keys, *place = np.random.get_state()
    return [
        dict(module_state._global_forward_hooks),
        dict(module_state._global_forward_pre_hooks),
        dict(module_state._global_forward_hooks_always_called),
        _get_current_dispatch_mode(),
        torch._C._len_torch_function_stack(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.backends.mha.get_fastpath_enabled(),
        torch.get_rng_state().tolist(),
        random.getstate(),
        place,
        list(keys),
    ]


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    before = bits(module), settings(module), surroundings()
    yield
    assert (bits(module), settings(module), surroundings()) == before


@pytest.mark.parametrize("inputs", [(3, 8, 8), torch.ones(2, 3, 8, 8)], ids=["shape", "example"])
def test_a_module_comes_back_as_it_was(inputs: Any) -> None:
    net = model()
    with untouched(net):
        from_torch(net, inputs)


def test_also_after_a_failure() -> None:
    net = failing()
    with untouched(net), pytest.raises(CostModelError, match="no"):
        from_torch(net, (8,))


@pytest.mark.parametrize(
    "touch",
    [
        lambda net: net.eval(),
        lambda net: net[4].weight.data.add_(1),
        lambda net: net[4].weight.requires_grad_(False),
        lambda net: net.zero_grad(),
        lambda net: net.register_forward_hook(lambda *_: None),
        lambda net: net[1].running_mean.mul_(2),
        lambda net: setattr(net, "seen", True),
        lambda net: torch.rand(1),
        lambda net: random.random(),
        lambda net: np.random.rand(),
    ],
)
def test_every_trace_would_be_seen(touch: Any) -> None:
    net = model()
    with pytest.raises(AssertionError), untouched(net):
        touch(net)


def test_a_module_in_training_is_captured_as_it_runs_in_use() -> None:
    network = from_torch(model(), (3, 8, 8))
    assert {"batch_norm", "dropout"} <= {entry.kind for entry in network.ledger}
    assert not {"instance_norm", "native_dropout"} & {entry.kind for entry in network.ledger}


def test_example_tensors_are_only_looked_at() -> None:
    seen: list[torch.device] = []

    def forward(module: Any, x: Tensor, y: Tensor) -> Tensor:
        seen.extend([x.device, y.device])
        return module.layer(x.add_(1)) @ y  # type: ignore[no-any-return]

    x, y = torch.zeros(2, 8, requires_grad=False), torch.zeros(8, 3, requires_grad=True)
    from_torch(Calls(forward, layer=nn.Linear(8, 8)), (x, y))
    assert {device.type for device in seen} == {"meta"}
    assert (x._version, x.abs().sum().item(), y.grad) == (0, 0.0, None)
    meta = torch.empty(2, 8, device="meta")
    assert from_torch(nn.Linear(8, 8), meta).multiply_adds == 128


def test_twice_gives_the_same() -> None:
    net = model()
    first, second = from_torch(net, (3, 8, 8)), from_torch(net, (3, 8, 8))
    assert repr(first.nodes) == repr(second.nodes)
    assert [entry[1:] for entry in first.ledger] == [entry[1:] for entry in second.ledger]


def test_a_module_that_changes_itself_is_captured_as_it_is_given() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        module.calls += 1
        for _ in range(module.calls):
            x = module.layer(x)
        return x

    net = Calls(forward, layer=nn.Linear(8, 8))
    net.__dict__["calls"] = 0
    assert [from_torch(net, (8,)).multiply_adds for _ in range(3)] == [64] * 3
    assert net.calls == 0


def test_a_thousand_million_parameters_take_no_memory() -> None:
    with torch.device("meta"):
        net = nn.Sequential(nn.Linear(2**15, 2**15), nn.ReLU(), nn.Linear(2**15, 10**9 // 2**15))
    network = from_torch(net, (2**15,))
    assert network.parameters == 2**30 + 2**15 + (2**15 + 1) * (10**9 // 2**15)
    assert network.multiply_adds == 2**30 + 2**15 * (10**9 // 2**15)
    copied = from_torch(nn.Linear(2**15, 2**15, device="meta"), torch.empty(2**20, 2**15, device="meta"))
    assert copied.multiply_adds == 2**50


@pytest.mark.parametrize("method", ["train", "eval"])
def test_a_module_whose_train_or_eval_returns_nothing(method: str) -> None:
    def silent(self: nn.Module, *mode: bool) -> None:
        getattr(nn.Linear, method)(self, *mode)

    kind = type("Frozen", (nn.Linear,), {method: silent})
    assert from_torch(kind(8, 8), (8,)).multiply_adds == 64


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_a_shape_is_of_the_type_that_the_module_computes_in(kind: torch.dtype) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 5)).to(kind)
    assert from_torch(net, (3, 8, 8)).multiply_adds == 36 * 4 * 27 + 144 * 5


@pytest.mark.parametrize("end", [None, ValueError, KeyboardInterrupt, RecursionError])
def test_what_a_forward_sets_for_all_is_put_back(end: type[BaseException] | None) -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.use_deterministic_algorithms(True)
        torch.set_grad_enabled(True)
        if end:
            raise end("stop")
        return module.layer(x)  # type: ignore[no-any-return]

    net = Calls(forward, layer=nn.Linear(8, 8))
    caught = (CostModelError, KeyboardInterrupt) if end else ()
    with untouched(net):
        try:
            from_torch(net, (8,))
        except caught:
            pass
        else:
            assert end is None
        assert not torch.are_deterministic_algorithms_enabled()


def test_captures_of_two_threads_leave_each_other_alone() -> None:
    nets = [nn.Sequential(*[nn.TransformerEncoderLayer(16, 2, batch_first=True) for _ in range(4)]) for _ in range(4)]
    alone = from_torch(nets[0], (5, 16)).multiply_adds
    before = surroundings()
    with ThreadPoolExecutor(4) as pool:
        assert [network.multiply_adds for network in pool.map(lambda net: from_torch(net, (5, 16)), nets)] == [
            alone
        ] * 4
    assert surroundings() == before


class CopiesAsItself(nn.Linear):
    def __deepcopy__(self, memo: Any) -> nn.Module:
        return self


@pytest.mark.parametrize("end", [None, ValueError, KeyboardInterrupt])
def test_a_part_that_copies_as_itself_keeps_its_mode(end: type[BaseException] | None) -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        if end:
            raise end("stop")
        return module.layer(x)  # type: ignore[no-any-return]

    net = Calls(forward, layer=CopiesAsItself(8, 8)).train()
    if end is None:
        assert from_torch(net, (8,)).multiply_adds == 64
    else:
        with pytest.raises((CostModelError, KeyboardInterrupt)):
            from_torch(net, (8,))
    assert [part.training for part in net.modules()] == [True, True]


def test_fifty_captures_are_equal() -> None:
    net = model()
    assert len({repr(from_torch(net, (3, 8, 8)).nodes) for _ in range(50)}) == 1


def test_two_thousand_modules_inside_each_other_are_refused_in_one_line() -> None:
    net: nn.Module = nn.Linear(8, 8)
    for _ in range(2000):
        net = nn.Sequential(net)
    with pytest.raises(CostModelError, match=r"recursion limit.*sys\.setrecursionlimit") as caught:
        from_torch(net, (8,))
    assert "\n" not in str(caught.value)


def test_twenty_thousand_layers_in_a_row() -> None:
    net = nn.Sequential(*[nn.Identity() for _ in range(20_000)], nn.Linear(8, 8))
    assert from_torch(net, (8,)).multiply_adds == 64


def test_a_lock_in_a_list_is_refused_in_one_line() -> None:
    net = nn.Sequential(nn.Linear(8, 8))
    net[0].locks = [threading.Lock()]  # type: ignore[assignment]
    with pytest.raises(CostModelError, match="cannot be copied") as caught:
        from_torch(net, (8,))
    assert "\n" not in str(caught.value)


def test_a_module_with_a_generator_is_captured_again_and_again() -> None:
    net = nn.Sequential(nn.Linear(8, 8))
    net[0].source = torch.Generator().manual_seed(7)
    state = net[0].source.get_state()
    assert [from_torch(net, (8,)).multiply_adds for _ in range(5)] == [64] * 5
    assert torch.equal(net[0].source.get_state(), state)
