"""Readings of a printed figure: the plain one, and every other that departs from it in one thing or two.

The plain reading is the network as it was built, and the multiply-adds of its convolutions and linear layers, or its
trainable parameters. A departure changes one thing: which network, which of its layers, what is counted of each, or how
many operations a multiply-add is. A reading with fewer departures is simpler; among as many, the one whose kinds come
earlier in :data:`ORDER`, which is our judgement of what papers and tools do more often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import Any, NamedTuple

from costmodel.conventions import Convention
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import FAMILIES, architecture, full_name
from costmodel.reproduction.alternative_conventions import PLAIN, others
from costmodel.reproduction.network_parts import PARTS, Part

#: Quantity -> kinds of departures, the likeliest first.
ORDER = {
    "multiply_adds": ("part", "factor", "variant", "classes", "counting", "resolution"),
    "parameters": ("counting", "variant", "classes", "part"),
}

#: The order in which departures are itemised: the network first, then what is counted of it.
STEPS = ("variant", "resolution", "classes", "counting", "part", "factor")

#: No reading departs in more: with three, any number would be met.
MOST_DEPARTURES = 2

#: Sizes that networks of ImageNet are measured at.
RESOLUTIONS = (224, 227, 256, 299, 320, 192, 160, 128)

#: ImageNet's classes, and TF-slim's, which has one more for the background.
CLASSES = (1000, 1001)


TWICE = "two operations a multiply-add"
PLAIN_TEXT = {"multiply_adds": "multiply-adds", "parameters": "trainable parameters"}


class Departure(NamedTuple):
    """One thing that a reading does otherwise: its kind, what it is, and how that is said."""

    kind: str
    value: Any
    text: str


class Reading(NamedTuple):
    """One way to read a printed figure, and the exact number that it gives."""

    figure: int
    departures: tuple[Departure, ...]
    #: Operations that a multiply-add is, before any departure.
    factor: int = 1

    def __str__(self) -> str:
        return ", ".join(departure.text for departure in self.departures) or "the plain reading"


class Term(NamedTuple):
    """A summand of a figure, and what it is."""

    number: int
    text: str


class Readings:
    """The readings of ``network``'s ``quantity``, the simplest first.

    ``factors`` are the numbers of operations that a multiply-add may be without a departure: one, or both where the
    claim is of FLOPs, which mean either.
    """

    def __init__(self, network: Network, quantity: str, factors: tuple[int, ...] = (1,)) -> None:
        self.name = network.name
        self.quantity = quantity
        self._factors = factors
        self._design = _Design(network)
        self._totals: dict[tuple[Network, str], int] = {}
        self._known: dict[str, tuple[Departure, ...]] = {}

    def _options(self, kind: str) -> tuple[Departure, ...]:
        # Found when they are first asked for: the plain reading needs none of them.
        if kind not in self._known:
            self._known[kind] = self._departures(kind)
        return self._known[kind]

    def _departures(self, kind: str) -> tuple[Departure, ...]:
        if kind == "counting":
            counted = others(self._design.plain, self.quantity)
            return tuple(Departure(kind, convention, f"as {convention.name} counts") for convention in counted)
        if kind == "part":
            return tuple(Departure(kind, part, part.text) for part in PARTS)
        if kind == "factor":
            return () if len(self._factors) > 1 else (Departure(kind, 2, TWICE),)
        return tuple(self._design.departures(kind))

    def __iter__(self) -> Iterator[Reading]:
        for number in range(MOST_DEPARTURES + 1):
            yield from self.departing(number)

    def departing(self, number: int) -> Iterator[Reading]:
        """The readings with so many departures."""
        for factor, kinds in product(self._factors, combinations(ORDER[self.quantity], number)):
            for departures in product(*map(self._options, kinds)):
                figure = self._figure({departure.kind: departure.value for departure in departures}, factor)
                if figure is not None:
                    yield Reading(figure, departures, factor)

    def terms(self, reading: Reading) -> tuple[Term, ...]:
        """The figure of ``reading``: the plain one, and what each departure adds to it."""
        chosen: dict[str, Any] = {}
        before = self._exact(chosen, reading.factor)
        terms = [Term(before, PLAIN_TEXT[self.quantity] if reading.factor == 1 else TWICE)]
        for departure in sorted(reading.departures, key=lambda departure: STEPS.index(departure.kind)):
            chosen[departure.kind] = departure.value
            after = self._exact(chosen, reading.factor)
            itemised = self._items(chosen) if departure.kind == "counting" and reading.factor == 1 else []
            terms += itemised or [Term(after - before, self._said(departure, chosen))]
            before = after
        return tuple(terms)

    def _said(self, departure: Departure, chosen: Mapping[str, Any]) -> str:
        """A departure, with the layer that it leaves out where it is a single one."""
        network = self._design.network(chosen)
        if departure.kind != "part" or network is None:
            return departure.text
        out = departure.value.of(network.ledger.entries)
        return f"{departure.text} ({out[0].name})" if len(out) == 1 else departure.text

    def _items(self, chosen: Mapping[str, Any]) -> list[Term]:
        network = self._design.network(chosen)
        assert network is not None  # the reading has a figure
        found = chosen["counting"].of(network.ledger)
        doubled = [Term((found.convention.factor - 1) * found.base, TWICE)] if found.convention.factor > 1 else []
        return doubled + [
            Term(count, f"{name} ({found.convention.name})") for name, count in found.items.items() if count
        ]

    def _exact(self, chosen: Mapping[str, Any], factor: int) -> int:
        figure = self._figure(chosen, factor)
        assert figure is not None  # what can be built with all departures, can with some
        return figure

    def _figure(self, chosen: Mapping[str, Any], factor: int) -> int | None:
        network = self._design.network(chosen)
        if network is None:
            return None
        convention: Convention = chosen.get("counting", PLAIN[self.quantity])
        part: Part | None = chosen.get("part")
        total = self._total(network, convention)
        if part is not None:
            total -= sum(convention.figure(entry) for entry in part.of(network.ledger.entries))
        # A convention of FLOPs says itself what a multiply-add is.
        return total if convention.quantity == "flops" else total * factor * int(chosen.get("factor", 1))

    def _total(self, network: Network, convention: Convention) -> int:
        key = (network, convention.name)
        if key not in self._totals:
            self._totals[key] = convention.of(network.ledger).total
        return self._totals[key]


class _Design:
    """What else the architecture of a network could have been built as; a network of one's own, nothing."""

    def __init__(self, network: Network) -> None:
        self.plain = network
        self._base, _, self._variant = network.name.partition(":")
        self._config = dict(network.config)
        self._built: dict[tuple[object, ...], Network | None] = {}
        self._known = self._is_registered(network)
        self._built[()] = network

    def _is_registered(self, network: Network) -> bool:
        # A network of one's own may bear the name of an architecture.
        if self._base not in FAMILIES or not self._config:
            return False
        try:
            same = load_with(network.name, self._config)
        except CostModelError:
            return False
        return (same.multiply_adds, same.parameters) == (network.multiply_adds, network.parameters)

    def departures(self, kind: str) -> Iterator[Departure]:
        if not self._known:
            return
        if kind == "variant":
            for variant in architecture(self._base).variants:
                if variant != self._variant:
                    text = f"variant {variant}" if variant else "the architecture without its variant"
                    yield Departure(kind, full_name(self._base, variant), text)
        elif kind == "classes":
            for classes in CLASSES:
                if classes != self._config.get("num_classes", classes):
                    yield Departure(kind, classes, f"{classes} classes")
        else:
            for size in RESOLUTIONS:
                if size != self._config.get("resolution", size):
                    yield Departure(kind, size, f"at resolution {size}")

    def network(self, chosen: Mapping[str, Any]) -> Network | None:
        """The network with the variant, resolution and classes ``chosen``; None where there is none."""
        changes = {"resolution": chosen.get("resolution"), "num_classes": chosen.get("classes")}
        given = {name: value for name, value in changes.items() if value is not None}
        variant = chosen.get("variant")
        key = (*([variant] if variant else []), *given.items())
        if key not in self._built:
            try:
                self._built[key] = load_with(variant or full_name(self._base, self._variant), self._config | given)
            except CostModelError:  # a variant may not take the size
                self._built[key] = None
        return self._built[key]
