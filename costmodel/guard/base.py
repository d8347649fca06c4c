"""What a branch is compared with: the lock and the budgets at its base, so that editing both in the branch shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from costmodel.core.network import Network
from costmodel.guard.budget import Budgets
from costmodel.guard.config import Model
from costmodel.guard.cost import ModelCost

#: Two models are taken for the same under another name where at least this share of their layers agrees, in percent.
ALIKE = 75


class Base(NamedTuple):
    """The locked costs and the configured models of another state of the project, and what people call it.

    ``problem`` says why its budgets are not judged, where its configuration cannot be read.
    """

    costs: Mapping[str, ModelCost]
    called: str
    models: tuple[Model, ...] = ()
    allow: tuple[str, ...] = ()
    problem: str = ""

    def budgets(self, name: str) -> Budgets:
        """What was asked of the model ``name``; nothing where it was not configured."""
        return next((model.budgets for model in self.models if model.name == name), Budgets())

    def gone(self, listed: Iterable[str]) -> tuple[str, ...]:
        """The models that were locked or configured there and are not among those ``listed`` now."""
        before = {**self.costs, **{model.name: None for model in self.models}}
        return tuple(sorted(set(before) - set(listed)))


def likeness(old: ModelCost, new: ModelCost) -> int:
    """How many of the layers of two models agree, in percent of the larger one, rounded down.

    Layers agree by name and kind (a model that became wider), or by all but the name (a model whose modules were
    renamed), whichever is more.

    >>> import costmodel as cm
    >>> from costmodel.guard.cost import cost_of
    >>> small, wide = cm.mobilenet_v1(alpha=0.5), cm.mobilenet_v1(alpha=1.0)
    >>> likeness(cost_of(small, "a"), cost_of(wide, "b")), likeness(cost_of(small, "a"), cost_of(cm.vgg16(), "b"))
    (100, 2)
    """
    largest = max(len(old.layers), len(new.layers))
    named = Counter((layer.name, layer.kind) for layer in old.layers) & Counter(
        (layer.name, layer.kind) for layer in new.layers
    )
    built = Counter(layer.signature for layer in old.layers) & Counter(layer.signature for layer in new.layers)
    return 100 * max(named.total(), built.total()) // largest if largest else 0


def renamed(base: Base, counted: Iterable[ModelCost], listed: Iterable[str]) -> dict[str, str]:
    """The old name of each of the ``counted`` models that is new, by its new name, where one that is gone is like it.

    The pair that is most alike comes first, and no model is in two pairs.
    """
    gone = [name for name in base.gone(listed) if name in base.costs]
    new = [cost for cost in counted if cost.name not in base.costs]
    pairs = sorted(
        ((likeness(base.costs[old], cost), cost.name, old) for cost in new for old in gone),
        key=lambda pair: (-pair[0], *pair[1:]),
    )
    names: dict[str, str] = {}
    for alike, name, old in pairs:
        if alike >= ALIKE and name not in names and old not in names.values():
            names[name] = old
    return names


def weaker(old: Budgets, new: Budgets, network: Network, before: ModelCost | None) -> list[str]:
    """The budgets of ``old`` that are gone from ``new`` or allow more there, a sentence each.

    Budgets at two types are compared by how much room each leaves ``network``; growth in percent and as an amount, by
    what each lets ``before`` add.

    >>> import costmodel as cm
    >>> from costmodel.guard.budget import parse_budgets
    >>> strict, loose = parse_budgets({"parameters": "<= 2 M"}), parse_budgets({"parameters": "<= 3 M"})
    >>> weaker(strict, loose, cm.lenet(), None), weaker(strict, Budgets(), cm.lenet(), None)
    (['parameters: <= 2 M became <= 3 M'], ['parameters: <= 2 M is gone'])
    """
    limits = {limit.quantity: limit for limit in new.limits}
    sentences = []
    for limit in old.limits:
        now = limits.get(limit.quantity)
        if now is None:
            sentences.append(f"{limit.called}: {limit.text} is gone")
        elif now.text != limit.text or now.dtype != limit.dtype:
            # Each side's most, in proportion to what the network costs by that side's own measure.
            allowed, costs = limit.measured(network)
            allowed_now, costs_now = now.measured(network)
            if allowed_now * costs > allowed * costs_now:
                sentences.append(f"{limit.called}: {limit.text} became {now.text}")
    if old.growth and before is not None:
        if new.growth is None:
            sentences.append(f"growth: {old.growth.text} is gone")
        elif any(
            new.growth.allowed(quantity, before, network) > old.growth.allowed(quantity, before, network)
            for quantity in old.growth.quantities
        ):
            sentences.append(f"growth: {old.growth.text} became {new.growth.text}")
    return sentences
