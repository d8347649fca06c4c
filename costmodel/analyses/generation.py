"""What a language model costs that writes: reading a prompt, then one token after another beside kept keys and values.

A pass over the prompt says the first new token. Each further one takes a pass over a single token, which attends to all
tokens before it, or to those in its window; their keys and values are kept, and not computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple, final

from costmodel.analyses.roofline import Machine, bounded, named_machine, own_dtype
from costmodel.analyses.size import node_size
from costmodel.core.layers import Embedding, MatMul
from costmodel.core.network import Network
from costmodel.errors import CostModelError, positive_int
from costmodel.models.transformer import DECODERS, Decoder
from costmodel.quantities import at_dtype, bytes_of_all, parse_dtype


class Pass(NamedTuple):
    """One pass of the model for all samples: the tokens that it reads of each, its multiply-adds, and the bytes of the
    keys and values that are kept after it; on a machine, the seconds that it takes at least."""

    tokens: int
    multiply_adds: int
    cache_bytes: int
    seconds: Fraction | None


@final
@dataclass(frozen=True)
class Generation:
    """``new`` tokens after the prompt that ``network`` reads, for each of ``batch`` samples."""

    network: Network
    sizes: Decoder
    new: int
    batch: int
    dtype: str
    machine: Machine | None

    @property
    def prompt(self) -> int:
        """The tokens that are read at first."""
        return self.network.input.elements

    @cached_property
    def _attention(self) -> int:
        """Multiply-adds of one token that attends to one: all products are of the prompt with itself."""
        products = [node.macs for node in self.network.ledger.operations if isinstance(node.layer, MatMul)]
        return sum(products) // self.prompt**2

    @cached_property
    def _linear(self) -> int:
        """Multiply-adds of the linear layers for one token."""
        return self.network.multiply_adds // self.prompt - self._attention * self.prompt

    @cached_property
    def cache_bytes_per_token(self) -> int:
        """The bytes of the keys and values of one token of one sample: what attention multiplies by."""
        kept = [node.inputs[1] for node in self.network.ledger.operations if isinstance(node.layer, MatMul)]
        return sum([bytes_of_all(node.shape.channels, at_dtype(node.dtype, self.dtype)) for node in kept])

    @cached_property
    def _weight_bytes(self) -> int:
        """The bytes of the parameters that a token meets: an embedding reads a row."""
        nodes = self.network.ledger.operations
        tables = [node_size(node, self.dtype) for node in nodes if isinstance(node.layer, Embedding)]
        return sum([node_size(node, self.dtype) for node in nodes]) - sum(tables) * (not self.sizes.tied)

    def _seen(self, tokens: int) -> int:
        return min(tokens, self.sizes.window) if self.sizes.window else tokens

    def _cache(self, tokens: int) -> int:
        return self.batch * self._seen(tokens) * self.cache_bytes_per_token

    @property
    def prefill(self) -> Pass:
        """The pass over the prompt: the network as it is counted, its head at every token."""
        machine = self.machine
        seconds = machine and bounded(self.network, machine, self.dtype, self.batch, fused=True).total.seconds
        return Pass(self.prompt, self.batch * self.network.multiply_adds, self._cache(self.prompt), seconds)

    @cached_property
    def decoded(self) -> tuple[Pass, ...]:
        """The passes over one token each, one for every new token but the first."""
        return tuple([self._decoded(tokens) for tokens in range(self.prompt + 1, self.prompt + self.new)])

    def _decoded(self, tokens: int) -> Pass:
        """The pass over the last of so many tokens; all weights and the cache go through memory once."""
        work, cache = self.batch * (self._linear + self._seen(tokens) * self._attention), self._cache(tokens)
        if self.machine is None:
            return Pass(1, work, cache, None)
        computing = 2 * work / self.machine.peak
        return Pass(1, work, cache, max(computing, (self._weight_bytes + cache) / self.machine.bandwidth))

    @property
    def passes(self) -> tuple[Pass, ...]:
        """All passes, in order."""
        return (self.prefill, *self.decoded)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all passes."""
        return sum([one.multiply_adds for one in self.passes])

    @property
    def cache_bytes(self) -> int:
        """The bytes of all keys and values at the end: of every token but the last, which nobody attends to."""
        return self.passes[-1].cache_bytes

    @property
    def seconds(self) -> Fraction | None:
        """What all passes take at least on the machine; None where there is none."""
        return (
            sum([one.seconds for one in self.passes if one.seconds is not None], Fraction(0)) if self.machine else None
        )


def generation(network: Network, new: int = 1, batch: int = 1, dtype: str = "", device: str = "") -> Generation:
    """What it costs to write ``new`` tokens after the prompt that ``network``, a language model, is built for.

    ``dtype`` takes the place of floating-point types, of weights, keys and values. On a ``device``, a pass takes at
    least the longer of its FLOPs over the peak, and of its weights, keys and values over the bandwidth.

    Raises :class:`~costmodel.errors.CostModelError` for a network that is no language model built by name, for more
    tokens than it has positions, and for an unknown type or device.

    >>> import costmodel as cm
    >>> found = cm.llama3_8b(sequence=1000).generation(new=200, batch=8, dtype="bf16")
    >>> found.cache_bytes_per_token, found.cache_bytes
    (131072, 1257242624)
    """
    if network.name not in DECODERS:
        raise CostModelError(f"{network.name} is no language model that is built by name, such as llama3_8b; name one")
    sizes, prompt = DECODERS[network.name], network.input.elements
    dtype = dtype and parse_dtype(dtype)
    if sizes.positions and prompt + positive_int(new, "new") - 1 > sizes.positions:
        raise CostModelError(
            f"{prompt} tokens and {new} new ones are more than the {sizes.positions} positions of {network.name}; take"
            " fewer"
        )
    machine = named_machine(device, dtype or own_dtype(network)) if device else None
    return Generation(network, sizes, positive_int(new, "new"), positive_int(batch, "batch"), dtype, machine)
