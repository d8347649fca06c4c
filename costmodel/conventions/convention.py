"""What a convention is: a rule from one operation to what a paper or a tool counts of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, final

from costmodel.core import layers
from costmodel.core.layers import Captured, Layer, Shapes
from costmodel.core.ledger import Entry, Ledger
from costmodel.core.values import Params, Shape
from costmodel.errors import CostModelError

#: What is counted beside the base, by the name that people read: ``{"batch norm": 802816}``.
Items: TypeAlias = dict[str, int]

# Layers of which a convention may decide, by these names, that it counts nothing.
#: They move values, or do nothing at inference.
MOVES = (
    layers.ChannelShuffle, layers.ChannelSlice, layers.Concat, layers.Dropout, layers.Embedding, layers.Flatten,
    layers.Outputs, layers.Stored, layers.ZeroPad,
)  # fmt: skip
NORMS = (layers.BatchNorm, layers.GroupNorm, layers.LayerNorm)
POOLS = (layers.AdaptiveAveragePool, layers.GlobalAveragePool, layers.Pool)
ELEMENTWISE = (layers.Activation, layers.Add, layers.Scale)

NOTHING: Items = {}

#: Ends the name of an item that the tool's author did not intend.
BUG = " (bug)"


class Call(NamedTuple):
    """One operation as a counter meets it: the layer, for one of the samples that it works on at once.

    ``stored`` is what this operation adds to the parameters: nothing where its layer was met before.
    ``module`` is the type of the module that computes it: empty for a functional call, None where the network is no
    captured one, and every operation is taken to be the module that PyTorch has for it. ``called`` is the function of
    PyTorch that the model's own code called, ``reads_held`` whether it reads parameters that are no layer's own,
    ``leading`` the first size of what its module returned, for each of the samples that it works on at once; 0 where it
    is not a multiple of them; ``times`` is how many those are.
    """

    layer: Layer
    inputs: Shapes
    output: Shape
    stored: Params
    module: str | None
    called: str = ""
    reads_held: bool = False
    leading: int = 1
    times: int = 1

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


def everything(call: Call) -> bool:
    """What a tool sees that follows the operations themselves, and not the modules around them."""
    return True


@final
@dataclass(frozen=True)
class Convention:
    """One way to count: what it is, where that is written, and its rule.

    A figure is ``factor`` times the base (the paper's multiply-adds, or the trainable parameters) and what ``beside``
    finds, which may be negative: that is how figures are itemized. ``sees`` is apart from it: what an operation costs
    is one trait of a tool, which operations it meets at all another.
    """

    name: str
    #: The tool or the paper, for people.
    source: str
    version: str
    #: File and function in the tool's source, or the page.
    place: str
    quantity: Literal["multiply_adds", "flops", "parameters"]
    #: What it counts, in a sentence.
    counts: str
    beside: Callable[[Call], Items]
    factor: int = 1
    sees: Callable[[Call], bool] = everything
    #: What of its figures its author did not intend, a sentence each.
    bugs: tuple[str, ...] = ()
    #: Whether property tests hold it against the tool itself, on drawn networks, to the unit.
    held: bool = False

    @property
    def base(self) -> str:
        """The convention that the figure is itemized against."""
        return "trainable" if self.quantity == "parameters" else "paper"

    def items(self, entry: Entry) -> Items:
        """What it counts of one operation beside the base.

        Raises :class:`~costmodel.errors.CostModelError`, with the operation as the place, where it has no rule.
        """
        call, times = _met(entry)
        try:
            # A layer that works on many samples at once is counted for each of them; what is stored, is stored once.
            times = 1 if self.quantity == "parameters" else times
            if not self.sees(call):
                return {"what it does not see": -times * self.factor * call.macs} if call.macs else {}
            return {name: times * count for name, count in self.beside(call).items() if count}
        except CostModelError as error:
            raise CostModelError(f"{self.name}: {error}").at(entry.name) from None

    def figure(self, entry: Entry) -> int:
        """What it counts of one operation of one sample.

        >>> import costmodel as cm
        >>> from costmodel.conventions import convention
        >>> norm = cm.mobilenet_v1().ledger.entries[1]
        >>> norm.label, convention("fvcore").figure(norm)
        ('batch norm', 802816)
        """
        stored = entry.params.trainable if self.quantity == "parameters" else entry.ops.mac
        return self.factor * stored + sum(self.items(entry).values())

    def of(self, ledger: Ledger) -> Figure:
        """What it counts of a network, for all samples of the ledger's batch.

        >>> import costmodel as cm
        >>> from costmodel.conventions import convention
        >>> convention("fvcore").of(cm.mobilenet_v2().ledger).total
        314193216
        """
        found: Counter[str] = Counter()
        for entry in ledger:
            found.update(self.items(entry))
        if self.quantity == "parameters":
            return Figure(self, ledger.parameters, dict(found))
        batched = {name: count * ledger.batch for name, count in found.items() if count}
        return Figure(self, ledger.multiply_adds, batched)


class Figure(NamedTuple):
    """What a convention says of a network: ``factor * base`` and the items beside it."""

    convention: Convention
    base: int
    items: Items

    @property
    def total(self) -> int:
        """The figure itself."""
        return self.convention.factor * self.base + sum(self.items.values())

    @property
    def difference(self) -> int:
        """How much more it is than the paper's figure, or than the trainable parameters."""
        return self.total - self.base


def _met(entry: Entry) -> tuple[Call, int]:
    """The operation of an entry without what a capture wraps around it, and how often it is done at once."""
    layer = entry.layer
    if not isinstance(layer, Captured):
        return Call(layer, entry.inputs, entry.output, entry.params, None), 1
    inputs, output = layer.each(entry.inputs), layer.each((entry.output,))[0]
    leading = _leading(layer)
    held = any(isinstance(read.layer, layers.Stored) and read.layer.holds.trainable for read in entry.node.inputs)
    return Call(
        layer.layer, inputs, output, entry.params, layer.module, layer.called, held, leading, layer.times
    ), layer.times


def _leading(layer: Captured) -> int:
    if not layer.leading:
        return 1
    each, rest = divmod(layer.leading, layer.times)
    return 0 if rest else each


def nothing(call: Call, *decided: type[Layer]) -> Items:
    """Nothing, for a layer of which somebody ``decided`` that.

    Raises :class:`~costmodel.errors.CostModelError` for every other.
    """
    if isinstance(call.layer, decided):
        return NOTHING
    raise undecided(call)


def undecided(call: Call) -> CostModelError:
    """What to say of a layer that a convention has no rule for."""
    return CostModelError(f"no rule for {call.layer.label(call.inputs)}; a zero is decided, never assumed: add a case")


def at_every_output(call: Call) -> int:
    """A transposed convolution's weights, used at every position of its output instead of its input."""
    return call.params.weight * call.output.positions


def padded_by_name(call: Call) -> bool:
    """Whether PyTorch is told ``padding="same"``: it takes that at stride 1 alone; elsewhere zeros are put apart."""
    layer = call.layer
    return isinstance(layer, layers.Conv) and layer.padding == "same" and max(layer.stride) == 1


def type_of(call: Call) -> str:
    """The class of PyTorch's own module that computes it; empty for a function, a subclass and anybody else's."""
    home, _, name = (call.module or "").rpartition(".")
    return name if home.startswith("torch.nn.modules.") else ""


def is_bias(call: Call) -> bool:
    """Whether it is the bias of a linear layer, which PyTorch adds apart where its input is not contiguous."""
    return isinstance(call.layer, layers.Operation) and call.layer.name == "add" and type_of(call) == "Linear"


def has_gamma(call: Call) -> bool:
    """Whether an instance norm scales what it has normalised: by a gamma of its own, or one it reads."""
    return call.stored.affine > 0 or len(call.inputs) > 1
