"""Readings of a printed number: the plain one, and every other that varies it in one thing or two.

The plain reading is the network as it was built, and the multiply-adds of its convolutions and linear layers, its
trainable parameters, or the values that those layers make. A variation changes one thing: which network, which of its
layers, what is counted of each, how many operations a multiply-add is, how many samples, or what an M is. A reading
with fewer variations is simpler; among as many, the one whose kinds come earlier in :data:`ORDER`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from itertools import combinations, product
from typing import Any, NamedTuple, TypeAlias

from costmodel.conventions import CONVENTIONS, Convention, asked_of
from costmodel.core.graph import Node
from costmodel.core.layers import Stored
from costmodel.core.ledger import Entry
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import FAMILIES, architecture, full_name
from costmodel.reproduction.hints import NO_HINTS, Hints
from costmodel.reproduction.network_parts import PARTS, NetworkPart
from costmodel.reproduction.odds import odds

#: Quantity -> kinds of variations, the likeliest first.
ORDER = {
    "multiply_adds": ("part", "factor", "variant", "classes", "counting", "resolution"),
    "parameters": ("counting", "variant", "classes", "part"),
    "activations": ("variant", "classes", "resolution"),
}

#: Kinds that no published table varies, but a single figure may.
SINGLE = {"multiply_adds": ("unit", "batch"), "parameters": ("unit",), "activations": ("unit", "batch")}

#: The order in which variations are itemized: the network first, then what is counted of it, then how that is written.
STEPS = ("variant", "resolution", "classes", "counting", "part", "factor", "batch", "unit")

#: No reading varies more: with three variations, any number would be met.
MOST_VARIATIONS = 2

#: Sizes that networks of ImageNet are measured at.
RESOLUTIONS = (224, 227, 256, 288, 299, 320, 384, 192, 160, 128)

#: ImageNet's classes, TF-slim's, which has one more for the background, and those of the data sets people train on.
CLASSES = (1000, 1001, 10, 100)

#: Samples that are counted at once.
BATCHES = (2, 4, 8, 16, 32, 64, 128, 256)

#: Two variations together do what each does alone, to this factor.
NEAR = 1.15

#: Conventions of FLOPs whose tables print half of them.
HALVED = ("osmr",)

TWICE = "two operations a multiply-add"
#: A kilo of 1024 instead of 1000, for each factor of 1000 that the unit holds.
UNITS = {3: "a k is 1024", 6: "an M is 1024^2", 9: "a G is 1024^3"}
PLAIN_TEXT = {
    "multiply_adds": "multiply-adds",
    "parameters": "trainable parameters",
    "activations": "activations",
}

#: The variations of a reading, whatever the network: the kind of each, and how it is said.
Rule: TypeAlias = tuple[tuple[str, str], ...]


class Counting(NamedTuple):
    """A convention, or half of the FLOPs that it counts: what some tables print beside multiply-adds of others."""

    rule: Convention
    halved: bool = False

    @property
    def operations(self) -> int:
        """What a multiply-add is."""
        return 2 if self.rule.quantity in ("flops", "training_flops") and not self.halved else 1

    @property
    def name(self) -> str:
        return f"{self.rule.name}/2" if self.halved else self.rule.name

    def __str__(self) -> str:
        return f"as {self.rule.name} counts" + (", FLOPs halved" if self.halved else "")


#: Quantity -> what the plain reading counts.
PLAIN = {"multiply_adds": Counting(CONVENTIONS["paper"]), "parameters": Counting(CONVENTIONS["trainable"])}


class Variation(NamedTuple):
    """One thing that a reading does otherwise: its kind, what it is, how that is said, and how likely that is."""

    kind: str
    value: Any
    text: str
    odds: float = 0.0


class Reading(NamedTuple):
    """One way to read a printed number, and the exact number that it gives."""

    number: int
    variations: tuple[Variation, ...]

    @property
    def rule(self) -> Rule:
        return tuple((variation.kind, variation.text) for variation in self.variations)

    @property
    def odds(self) -> float:
        """How likely it is before the digits are seen, for a plain reading of 1."""
        return math.prod(variation.odds for variation in self.variations)

    @property
    def operations(self) -> int:
        """What a multiply-add is in it."""
        values = {variation.kind: variation.value for variation in self.variations}
        counting: Counting | None = values.get("counting")
        return int(values.get("factor", 1)) * (1 if counting is None else counting.operations)

    def __str__(self) -> str:
        return ", ".join(variation.text for variation in self.variations) or "the plain reading"


class Term(NamedTuple):
    """A summand of a number, and what it is."""

    number: int
    text: str


class Aim(NamedTuple):
    """Which of many readings are worth the time: those with odds of ``least``, near the ``value`` that was printed."""

    least: float
    value: int


class Readings:
    """The readings of ``network``'s ``quantity``, the simplest first; of the two, those that ``hints`` allow."""

    def __init__(self, network: Network, quantity: str, hints: Hints = NO_HINTS) -> None:
        self.name = network.name
        self.quantity = quantity
        self._hints = hints
        self._builds = _AlternativeBuilds(network)
        self._totals: dict[tuple[Network, str], int | None] = {}
        self._variations: dict[str, tuple[Variation, ...]] = {}
        self._parts: dict[tuple[Network, str], list[Entry]] = {}
        self._alike: dict[Network, list[tuple[Entry, int]]] = {}

    def __iter__(self) -> Iterator[Reading]:
        for count in range(MOST_VARIATIONS + 1):
            yield from self.varied(count)

    @cached_property
    def plain(self) -> int:
        """The number of the plain reading.

        Raises :class:`~costmodel.errors.CostModelError` where nobody has decided on an operation of the network.
        """
        PLAIN.get(self.quantity, PLAIN["multiply_adds"]).rule.of(self._builds.plain.ledger)
        return self._exact({})

    def varied(self, count: int, kinds: tuple[str, ...] = (), aim: Aim | None = None) -> Iterator[Reading]:
        """The readings with ``count`` variations of different kinds; with an ``aim``, those of several that meet it."""
        for chosen in combinations(kinds or ORDER[self.quantity], count):
            for variations in product(*map(self._of_kind, chosen)):
                if (aim is None or count < 2 or self._may_meet(aim, variations)) and self._hints.allow(variations):
                    number = self._number({variation.kind: variation.value for variation in variations})
                    if number is not None:
                        yield Reading(number, variations)

    def _may_meet(self, aim: Aim, variations: tuple[Variation, ...]) -> bool:
        """Whether a reading is likely enough, and may be near: about what its variations do one by one."""
        if math.prod(variation.odds for variation in variations) < aim.least:
            return False
        near = float(self.plain)
        for variation in variations:
            near *= self._share(variation)
        return near / NEAR < aim.value < near * NEAR

    def _share(self, variation: Variation) -> float:
        """What a variation alone makes of the plain number; 1 where it is none alone."""
        alone = self._number({variation.kind: variation.value})
        return 1.0 if alone is None else alone / self.plain

    def _of_kind(self, kind: str) -> tuple[Variation, ...]:
        # Made when they are first asked for: the plain reading needs none of them.
        if kind not in self._variations:
            values = list(self._values(kind))
            self._variations[kind] = tuple(
                Variation(kind, value, text, self._odds(kind, value, name, len(values))) for value, text, name in values
            )
        return self._variations[kind]

    def _odds(self, kind: str, value: Any, name: str, among: int) -> float:
        return self._hints.odds(kind, value, odds(self.quantity, kind, name, among))

    def _values(self, kind: str) -> Iterator[tuple[Any, str, str]]:
        """The values of a kind of variation, how each is said, and its name in the table of odds."""
        if kind == "counting":
            yield from ((counting, str(counting), counting.name) for counting in self._countings())
        elif kind == "part":
            yield from ((part, part.text, part.text) for part in PARTS)
        elif kind == "factor":
            yield 2, TWICE, TWICE
        elif kind == "batch":
            yield from ((batch, f"a batch of {batch}", "") for batch in BATCHES)
        elif kind == "unit":
            yield from ((power, text, "") for power, text in UNITS.items())
        else:
            yield from ((value, text, "") for value, text in self._builds.values(kind))

    def _countings(self) -> Iterator[Counting]:
        """Ways to count that have a rule for the network and give another number than the plain one."""
        network = self._builds.plain
        of_parameters = self.quantity == "parameters"
        for rule in asked_of(network.ledger).values():
            if (rule.quantity == "parameters") == of_parameters:
                for counting in (Counting(rule), Counting(rule, halved=True))[: 1 + (rule.name in HALVED)]:
                    if self._total(network, counting) not in (None, self.plain):
                        yield counting

    def terms(self, reading: Reading) -> tuple[Term, ...]:
        """The number of ``reading``: the plain one, and what each variation adds to it."""
        chosen: dict[str, Any] = {}
        before = self.plain
        terms = [Term(before, PLAIN_TEXT[self.quantity])]
        for variation in sorted(reading.variations, key=lambda variation: STEPS.index(variation.kind)):
            chosen[variation.kind] = variation.value
            after = self._exact(chosen)
            itemized = self._items(chosen) if variation.kind == "counting" else []
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
        counting: Counting = chosen["counting"]
        bill = counting.rule.of(network.ledger)
        name, factor = bill.convention.name, bill.convention.factor
        words = TWICE if factor == 2 else f"{factor} FLOPs a multiply-add, forward and backward"
        doubled = [Term((factor - 1) * bill.base, words)] if factor > 1 else []
        halved = [Term(bill.total // 2 - bill.total, "FLOPs halved")] if counting.halved else []
        return doubled + [Term(count, f"{item} ({name})") for item, count in bill.items.items() if count] + halved

    def _exact(self, chosen: Mapping[str, Any]) -> int:
        number = self._number(chosen)
        assert number is not None  # what can be built with all variations, can with some
        return number

    def _number(self, chosen: Mapping[str, Any]) -> int | None:
        network = self._builds.network(chosen)
        if network is None:
            return None
        total = self._counted(network, chosen)
        if total is None:
            return None
        power: int = chosen.get("unit", 0)
        batch: int = chosen.get("batch", 1)
        return total * batch * int(10**power) // int(2 ** (10 * power // 3))

    def _counted(self, network: Network, chosen: Mapping[str, Any]) -> int | None:
        if self.quantity == "activations":
            return network.ledger.activations
        counting: Counting = chosen.get("counting", PLAIN[self.quantity])
        total = self._total(network, counting)
        factor: int = chosen.get("factor", 1)
        # Who counts FLOPs says what a multiply-add is there, and so does who halves them.
        if total is None or (factor > 1 and counting.rule.quantity != "multiply_adds"):
            return None
        return factor * (total - self._left_out(network, counting, chosen.get("part")))

    def _left_out(self, network: Network, counting: Counting, part: NetworkPart | None) -> int:
        if part is None:
            return 0
        key = (network, part.text)
        if key not in self._parts:
            self._parts[key] = part.of(network.ledger.entries)
        return sum(counting.rule.count(entry) for entry in self._parts[key]) // (1 + counting.halved)

    def _total(self, network: Network, counting: Counting) -> int | None:
        """What ``counting`` counts of ``network``; None where it has no rule for one of its layers."""
        rule = counting.rule
        if rule is CONVENTIONS["paper"]:
            return int(network.multiply_adds)
        key = (network, rule.name)
        if key not in self._totals:
            self._totals[key] = None
            with suppress(CostModelError):
                self._totals[key] = sum(times * rule.count(entry) for entry, times in self._different(network))
        total = self._totals[key]
        return None if total is None else total // (1 + counting.halved)

    def _different(self, network: Network) -> list[tuple[Entry, int]]:
        """One entry of each kind, and how many are like it: deep networks repeat a few blocks."""
        if network not in self._alike:
            keys = {node: _key(node) for node in network.ledger.operations}
            times = Counter(keys.values())
            first = {key: node for node, key in reversed(keys.items())}
            self._alike[network] = [(Entry(node, node.ops, node.params), times[key]) for key, node in first.items()]
        return self._alike[network]


def _key(node: Node) -> tuple[object, ...]:
    """What conventions see of a node: equal ones count the same."""
    stored = tuple(read.layer for read in node.inputs if isinstance(read.layer, Stored))
    return node.layer, node.input_shapes, node.shape, node.provenance, stored


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
