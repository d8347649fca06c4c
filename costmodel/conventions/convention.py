"""What a convention is: a rule from one operation to what a paper or a tool counts of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, TypeVar, final

from costmodel.core import layers
from costmodel.core.counts import Params
from costmodel.core.graph import BUILT, Provenance
from costmodel.core.layers import Layer, Shapes
from costmodel.core.ledger import Entry, Ledger
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

#: What is counted next to the base, by the name that people read: ``{"batch norm": 802816}``.
Items: TypeAlias = dict[str, int]

# Layers of which a convention may decide, by these names, that it counts nothing.
#: They move values, or do nothing at inference.
MOVES = (
    layers.ChannelShuffle, layers.ChannelSlice, layers.Concat, layers.Dropout, layers.Embedding, layers.Flatten,
    layers.Move, layers.Outputs, layers.Stored, layers.ZeroPad,
)  # fmt: skip
NORMS = (layers.BatchNorm, layers.GroupNorm, layers.LayerNorm)
POOLS = (layers.AdaptiveAveragePool, layers.GlobalAveragePool, layers.Pool)
ELEMENTWISE = (layers.Activation, layers.Add, layers.Scale)

NOTHING: Items = {}

#: Ends the name of an item that the tool's author did not intend.
BUG = " (bug)"


class SeenOperation(NamedTuple):
    """One operation as a counter meets it: the layer, for one of the samples that it works on at once.

    ``stored`` is what this operation adds to the parameters: nothing where its layer was met before. ``reads_held``:
    whether it reads parameters that are no layer's own. What a door did not learn of it (a file has no modules) raises
    :class:`~costmodel.errors.CostModelError` when a convention asks for it: such a convention has no rule there.
    """

    layer: Layer
    inputs: Shapes
    output: Shape
    stored: Params
    provenance: Provenance = BUILT
    reads_held: bool = False

    @property
    def module(self) -> str | None:
        """The type of the module that computes it, empty for a functional call.

        None where the network was built from layers, and every operation is taken to be the module that PyTorch has
        for it.
        """
        return None if self.provenance.built else _known(self.provenance.module, "the module that computes")

    @property
    def called(self) -> str:
        """The function of PyTorch that the model's own code called; empty where it called none."""
        return "" if self.provenance.built else _known(self.provenance.function, "the function that computes")

    @property
    def leading(self) -> int:
        """The first size of what its module returned, a sample; 0 where that is no multiple of the samples."""
        if self.provenance.built:
            return 1
        leading = _known(self.provenance.leading, "the batch of")
        each, rest = divmod(leading, self.provenance.times)
        return 0 if rest else each if leading else 1

    @property
    def times(self) -> int:
        """How many samples it works on at once."""
        return self.provenance.times

    @property
    def input(self) -> Shape:
        """The first shape it reads; its own, where it reads none."""
        return self.inputs[0] if self.inputs else self.output

    @property
    def macs(self) -> int:
        """Multiply-adds of the paper's convention."""
        return self.layer.macs(self.inputs, self.output)

    @property
    def params(self) -> Params:
        """Numbers that the layer works with."""
        return self.layer.params(self.inputs)

    @property
    def function(self) -> str:
        """The function's own name: ``relu`` of ``torch.Tensor.relu_``; empty where none is known."""
        return self.called.rpartition(".")[2].strip("_")

    @property
    def kind(self) -> str:
        """What people call it: ``relu6``, ``transposed conv``."""
        return self.layer.kind(self.inputs).replace("_", " ")

    @property
    def type(self) -> str:
        """The class of PyTorch's own module that computes it; empty for a function, a subclass and anybody else's."""
        home, _, name = (self.module or "").rpartition(".")
        return name if home.startswith("torch.nn.modules.") else ""

    @property
    def gamma(self) -> bool:
        """Whether a norm scales what it has normalized; an instance norm by a gamma of its own, or one it reads."""
        match self.layer:
            case layers.BatchNorm(affine=gamma) | layers.GroupNorm(affine=gamma) | layers.LayerNorm(gamma=gamma):
                return gamma
        return self.stored.affine > 0 or len(self.inputs) > 1

    @property
    def at_every_output(self) -> int:
        """A transposed convolution's weights, used at every position of its output instead of its input."""
        return self.params.weight * self.output.positions

    @property
    def padded_by_name(self) -> bool:
        """Whether PyTorch is told ``padding="same"``, which it takes at stride 1; elsewhere zeros are put apart."""
        layer = self.layer
        return isinstance(layer, layers.Conv) and layer.padding == "same" and max(layer.stride) == 1

    @property
    def is_bias(self) -> bool:
        """Whether it is the bias of a linear layer, which PyTorch adds apart where its input is not contiguous."""
        return isinstance(self.layer, layers.Operation) and self.layer.name == "add" and self.type == "Linear"

    @property
    def is_vector(self) -> bool:
        """Whether the second factor of a product may be a vector, which PyTorch multiplies by in another operator."""
        return isinstance(self.layer, layers.MatMul) and self.inputs[1].sizes[-1] == 1

    @property
    def is_recurrent(self) -> bool:
        """Whether it is a step of PyTorch's own recurrent layer or cell."""
        return self.type in ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell")


def everything(op: SeenOperation) -> bool:
    """What a tool sees that follows the operations themselves, and not the modules around them."""
    return True


@final
@dataclass(frozen=True)
class Convention:
    """One way to count: what it is, where that is written, and its rule.

    A number is ``factor`` times the base (the paper's multiply-adds, or the trainable parameters) plus what
    ``extra_counts`` finds, which may be negative: that is how numbers are itemized. ``is_visible`` is apart from it:
    what an operation costs is one trait of a tool, which operations it meets at all another.
    """

    name: str
    #: The tool or the paper, for people.
    source: str
    version: str
    #: File and function in the tool's source, or the page.
    place: str
    quantity: Literal["multiply_adds", "flops", "training_flops", "parameters"]
    #: What it counts, in a sentence.
    counts: str
    extra_counts: Callable[[SeenOperation], Items]
    factor: int = 1
    is_visible: Callable[[SeenOperation], bool] = everything
    #: What of its numbers its author did not intend, a sentence each.
    bugs: tuple[str, ...] = ()
    #: Whether property tests run the tool itself on random networks, and both are exactly equal.
    verified_against_tool: bool = False

    @property
    def base(self) -> str:
        """The convention that the number is itemized against."""
        return "trainable" if self.quantity == "parameters" else "paper"

    def items(self, entry: Entry) -> Items:
        """What it counts of one operation next to the base.

        Raises :class:`~costmodel.errors.CostModelError`, with the operation as the place, where it has no rule.
        """
        op = _met(entry)
        try:
            # A layer that works on many samples at once is counted for each of them; what is stored, is stored once.
            times = 1 if self.quantity == "parameters" else op.times
            if not self.is_visible(op):
                return {"what it does not see": -times * self.factor * op.macs} if op.macs else {}
            return {name: times * count for name, count in self.extra_counts(op).items() if count}
        except CostModelError as error:
            raise CostModelError(f"{self.name}: {error}").at(entry.name) from None

    def count(self, entry: Entry) -> int:
        """What it counts of one operation of one sample.

        >>> import costmodel as cm
        >>> from costmodel.conventions import convention
        >>> norm = cm.mobilenet_v1().ledger.entries[1]
        >>> norm.label, convention("fvcore").count(norm)
        ('batch norm', 802816)
        """
        stored = entry.params.trainable if self.quantity == "parameters" else entry.ops.mac
        return self.factor * stored + sum(self.items(entry).values())

    def of(self, ledger: Ledger) -> ConventionCount:
        """What it counts of a network, for all samples of the ledger's batch.

        >>> import costmodel as cm
        >>> from costmodel.conventions import convention
        >>> convention("fvcore").of(cm.mobilenet_v2().ledger).total
        314193216
        """
        totals: Counter[str] = Counter()
        for entry in ledger:
            totals.update(self.items(entry))
        if self.quantity == "parameters":
            return ConventionCount(self, ledger.trainable_parameters, dict(totals))
        batched = {name: count * ledger.batch for name, count in totals.items() if count}
        return ConventionCount(self, ledger.multiply_adds, batched)


class ConventionCount(NamedTuple):
    """What a convention says of a network: ``factor * base`` and the items next to it."""

    convention: Convention
    base: int
    items: Items

    @property
    def total(self) -> int:
        """The number itself."""
        return self.convention.factor * self.base + sum(self.items.values())

    @property
    def difference(self) -> int:
        """How much more it is than the paper's number, or than the trainable parameters."""
        return self.total - self.base


_Fact = TypeVar("_Fact")


def _known(fact: _Fact | None, what: str) -> _Fact:
    if fact is None:
        raise CostModelError(f"it depends on {what} an operation, which is not known of this network")
    return fact


def _met(entry: Entry) -> SeenOperation:
    node = entry.node
    stored = [read.layer.holds for read in node.inputs if isinstance(read.layer, layers.Stored)]
    reads_parameters = any(params.parameters for params in stored)
    return SeenOperation(node.layer, *node.sample, entry.params, node.provenance, reads_parameters)


def nothing(op: SeenOperation, *decided: type[Layer]) -> Items:
    """Nothing, for a layer of which somebody ``decided`` that.

    Raises :class:`~costmodel.errors.CostModelError` for every other.
    """
    if isinstance(op.layer, decided):
        return NOTHING
    raise undecided(op)


def undecided(op: SeenOperation) -> CostModelError:
    """What to say of a layer that a convention has no rule for."""
    return CostModelError(f"no rule for {op.layer.label(op.inputs)}; a zero is decided, never assumed: add a case")
