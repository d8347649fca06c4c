"""Readings of a printed number: the plain one, and every other that varies it in one thing or two.

The plain reading is the network as it was built, and the multiply-adds of its convolutions and linear layers, or its
trainable parameters. A variation changes one thing: which network, which of its layers, what is counted of each, or how
many operations a multiply-add is. A reading with fewer variations is simpler; among as many, the one whose kinds come
earlier in :data:`ORDER`, which is our judgment of what papers and tools do more often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations, product
from typing import Any, NamedTuple, TypeAlias

from costmodel.conventions import CONVENTIONS, Convention, asked_of
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import FAMILIES, architecture, full_name
from costmodel.reproduction.network_parts import PARTS, NetworkPart

#: Quantity -> kinds of variations, the likeliest first.
ORDER = {
    "multiply_adds": ("part", "factor", "variant", "classes", "counting", "resolution"),
    "parameters": ("counting", "variant", "classes", "part"),
}

#: The order in which variations are itemized: the network first, then what is counted of it.
STEPS = ("variant", "resolution", "classes", "counting", "part", "factor")

#: No reading varies more: with three variations, any number would be met.
MOST_VARIATIONS = 2

#: Sizes that networks of ImageNet are measured at.
RESOLUTIONS = (224, 227, 256, 299, 320, 192, 160, 128)

#: ImageNet's classes, and TF-slim's, which has one more for the background.
CLASSES = (1000, 1001)

#: Quantity -> what the plain reading counts.
PLAIN = {"multiply_adds": CONVENTIONS["paper"], "parameters": CONVENTIONS["trainable"]}

TWICE = "two operations a multiply-add"
PLAIN_TEXT = {"multiply_adds": "multiply-adds", "parameters": "trainable parameters"}

#: The variations of a reading, whatever the network: the kind of each, and how it is said.
Rule: TypeAlias = tuple[tuple[str, str], ...]


class Variation(NamedTuple):
    """One thing that a reading does otherwise: its kind, what it is, and how that is said."""

    kind: str
    value: Any
    text: str


class Reading(NamedTuple):
    """One way to read a printed number, and the exact number that it gives."""

    number: int
    variations: tuple[Variation, ...]
    #: Operations that a multiply-add is, before any variation.
    factor: int = 1

    @property
    def rule(self) -> Rule:
        return tuple((variation.kind, variation.text) for variation in self.variations)

    def __str__(self) -> str:
        return ", ".join(variation.text for variation in self.variations) or "the plain reading"


class Term(NamedTuple):
    """A summand of a number, and what it is."""

    number: int
    text: str


class Readings:
    """The readings of ``network``'s ``quantity``, the simplest first.

    ``factors`` are the numbers of operations that a multiply-add may be without a variation: one, or both where the
    claim is of FLOPs, which mean either.
    """

    def __init__(self, network: Network, quantity: str, factors: tuple[int, ...] = (1,)) -> None:
        self.name = network.name
        self.quantity = quantity
        self._factors = factors
        self._builds = _AlternativeBuilds(network)
        self._totals: dict[tuple[Network, str], int] = {}
        self._variations: dict[str, tuple[Variation, ...]] = {}

    def __iter__(self) -> Iterator[Reading]:
        for count in range(MOST_VARIATIONS + 1):
            yield from self.varied(count)

    def varied(self, count: int) -> Iterator[Reading]:
        """The readings with ``count`` variations, each of another kind."""
        for factor, kinds in product(self._factors, combinations(ORDER[self.quantity], count)):
            for variations in product(*map(self._of_kind, kinds)):
                number = self._number({variation.kind: variation.value for variation in variations}, factor)
                if number is not None:
                    yield Reading(number, variations, factor)

    def _of_kind(self, kind: str) -> tuple[Variation, ...]:
        # Made when they are first asked for: the plain reading needs none of them.
        if kind not in self._variations:
            self._variations[kind] = tuple(Variation(kind, value, text) for value, text in self._values(kind))
        return self._variations[kind]

    def _values(self, kind: str) -> Iterator[tuple[Any, str]]:
        if kind == "counting":
            for convention in _others(self._builds.plain, self.quantity):
                yield convention, f"as {convention.name} counts"
        elif kind == "part":
            yield from ((part, part.text) for part in PARTS)
        elif kind != "factor":
            yield from self._builds.values(kind)
        elif len(self._factors) == 1:
            yield 2, TWICE

    def terms(self, reading: Reading) -> tuple[Term, ...]:
        """The number of ``reading``: the plain one, and what each variation adds to it."""
        chosen: dict[str, Any] = {}
        before = self._exact(chosen, reading.factor)
        terms = [Term(before, PLAIN_TEXT[self.quantity] if reading.factor == 1 else TWICE)]
        for variation in sorted(reading.variations, key=lambda variation: STEPS.index(variation.kind)):
            chosen[variation.kind] = variation.value
            after = self._exact(chosen, reading.factor)
            itemized = self._items(chosen) if variation.kind == "counting" and reading.factor == 1 else []
            terms += itemized or [Term(after - before, self._text(variation, chosen))]
            before = after
        return tuple(terms)

    def _text(self, variation: Variation, chosen: Mapping[str, Any]) -> str:
        """How a variation is said, with the layer that it leaves out where it is a single one."""
        network = self._builds.network(chosen)
        if variation.kind != "part" or network is None:
            return variation.text
        left_out = variation.value.of(network.ledger.entries)
        return f"{variation.text} ({left_out[0].name})" if len(left_out) == 1 else variation.text

    def _items(self, chosen: Mapping[str, Any]) -> list[Term]:
        network = self._builds.network(chosen)
        assert network is not None  # the reading has a number
        bill = chosen["counting"].of(network.ledger)
        name, factor = bill.convention.name, bill.convention.factor
        words = TWICE if factor == 2 else f"{factor} FLOPs a multiply-add, forward and backward"
        doubled = [Term((factor - 1) * bill.base, words)] if factor > 1 else []
        return doubled + [Term(count, f"{item} ({name})") for item, count in bill.items.items() if count]

    def _exact(self, chosen: Mapping[str, Any], factor: int) -> int:
        number = self._number(chosen, factor)
        assert number is not None  # what can be built with all variations, can with some
        return number

    def _number(self, chosen: Mapping[str, Any], factor: int) -> int | None:
        network = self._builds.network(chosen)
        if network is None:
            return None
        convention: Convention = chosen.get("counting", PLAIN[self.quantity])
        part: NetworkPart | None = chosen.get("part")
        total = self._total(network, convention)
        if part is not None:
            total -= sum(convention.count(entry) for entry in part.of(network.ledger.entries))
        # A convention of FLOPs says itself what a multiply-add is.
        return total if convention.quantity == "flops" else total * factor * int(chosen.get("factor", 1))

    def _total(self, network: Network, convention: Convention) -> int:
        key = (network, convention.name)
        if key not in self._totals:
            self._totals[key] = convention.of(network.ledger).total
        return self._totals[key]


def _others(network: Network, quantity: str) -> Sequence[Convention]:
    """Conventions that give other numbers for ``network`` than the plain one, and than each other.

    A convention that has no rule for one of its layers gives no number.
    """
    by_total = {PLAIN[quantity].of(network.ledger).total: PLAIN[quantity]}
    for convention in asked_of(network.ledger).values():
        if (convention.quantity == "parameters") == (quantity == "parameters"):
            with suppress(CostModelError):
                by_total.setdefault(convention.of(network.ledger).total, convention)
    return list(by_total.values())[1:]


class _AlternativeBuilds:
    """What else the architecture of a network could have been built as; a network of one's own, nothing."""

    def __init__(self, network: Network) -> None:
        self.plain = network
        self._base, _, self._variant = network.name.partition(":")
        self._config = dict(network.config)
        self._built: dict[tuple[object, ...], Network | None] = {(): network}
        self._registered = self._is_registered()

    def _is_registered(self) -> bool:
        # A network of one's own may bear the name of an architecture.
        if self._base not in FAMILIES or not self._config:
            return False
        try:
            same = load_with(self.plain.name, self._config)
        except CostModelError:
            return False
        return (same.multiply_adds, same.parameters) == (self.plain.multiply_adds, self.plain.parameters)

    def values(self, kind: str) -> Iterator[tuple[Any, str]]:
        """The other variants, numbers of classes or resolutions, and how each is said."""
        if not self._registered:
            return
        if kind == "variant":
            for variant in architecture(self._base).variants:
                if variant != self._variant:
                    text = f"variant {variant}" if variant else "the architecture without its variant"
                    yield full_name(self._base, variant), text
        elif kind == "classes":
            yield from ((n, f"{n} classes") for n in CLASSES if n != self._config.get("num_classes", n))
        else:
            yield from ((n, f"at resolution {n}") for n in RESOLUTIONS if n != self._config.get("resolution", n))

    def network(self, chosen: Mapping[str, Any]) -> Network | None:
        """The network with the variant, resolution and classes ``chosen``; None where there is none."""
        options = {"resolution": chosen.get("resolution"), "num_classes": chosen.get("classes")}
        changes = {name: value for name, value in options.items() if value is not None}
        name = chosen.get("variant", self.plain.name)
        key = (*([name] if "variant" in chosen else []), *changes.items())
        if key not in self._built:
            try:
                self._built[key] = load_with(name, self._config | changes)
            except CostModelError:  # a variant may not take the size
                self._built[key] = None
        return self._built[key]
