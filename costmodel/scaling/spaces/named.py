"""The search spaces that are known by name, and those of one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence

from costmodel.errors import CostModelError, nearest, type_name
from costmodel.loading import code_of_the_user
from costmodel.models.registry import own
from costmodel.quantities import budget, one_type
from costmodel.scaling.spaces.fbnet import fbnet
from costmodel.scaling.spaces.mnasnet import mnasnet
from costmodel.scaling.spaces.nas_bench_201 import nas_bench_201
from costmodel.scaling.spaces.nats_bench_size import nats_bench_size
from costmodel.scaling.spaces.once_for_all import once_for_all_mobilenet_v3, once_for_all_resnet50
from costmodel.scaling.spaces.proxyless import proxyless
from costmodel.scaling.spaces.rows import Rows, rows_of
from costmodel.scaling.spaces.space import Space

#: Spaces that are rows of blocks.
ROWS: dict[str, Callable[[], Rows]] = {
    "once_for_all_mobilenet_v3": once_for_all_mobilenet_v3,
    "once_for_all_resnet50": once_for_all_resnet50,
    "proxyless": proxyless,
    "mnasnet": mnasnet,
    "fbnet": fbnet,
    "nats_bench_size": nats_bench_size,
}

SPACES = ("nas_bench_201", *ROWS)

#: Quantities that add up over the parts of a network.
ADDITIVE = ("multiply_adds", "flops", "parameters", "weights", "activations")


def space(
    thing: str | Mapping[str, object] | Rows | Space,
    quantity: str | Sequence[str] = "multiply_adds",
    *,
    peak_memory: str = "",
    policy: str = "fused",
) -> Space:
    """A search space, its networks counted in ``quantity``, or in several quantities.

    ``thing`` is a name, the path of a ``.toml`` file, such a document as a mapping (see
    :func:`~costmodel.scaling.spaces.rows.rows_of`), or ``MODULE:NAME`` for one of these in a module of yours. With
    ``peak_memory``, as in ``"512 KiB at int8"``, it has those networks alone whose activations take no more, under
    ``policy``.

    Raises :class:`~costmodel.errors.CostModelError` for what it does not know, and for a quantity that does not add up.

    >>> cells = space("nas_bench_201")
    >>> cells.networks, cells.smallest, cells.largest, cells.within(50_000_000)
    (15625, 7783040, 220119680, 7984)
    >>> cells.network(cells.at(0.5)).multiply_adds == cells.quantile(0.5)
    True
    >>> space("once_for_all_mobilenet_v3").networks
    21758655492572485851
    """
    quantities = (quantity,) if isinstance(quantity, str) else tuple(quantity)
    for one in quantities:
        if one not in ADDITIVE:
            near = nearest(one, ADDITIVE)
            raise CostModelError(f"{one} does not add up over choices; {near}use {', '.join(ADDITIVE)}")
    source = _source(thing)
    if isinstance(source, Rows):
        peak = budget("peak_memory", peak_memory)[1] if peak_memory else None
        return source.space(quantities, peak, one_type({"peak_memory": peak_memory}, "") if peak_memory else "", policy)
    if peak_memory:
        raise CostModelError("peak_memory is the largest of the blocks' of a space of rows; this one has none")
    if isinstance(source, Space):
        if source.quantities != quantities:
            raise CostModelError(f"{source.name} is counted in {', '.join(source.quantities)}; ask for that")
        return source
    return nas_bench_201(quantities)


def _source(thing: object) -> Rows | Space | None:
    """What a space is made of; None is NAS-Bench-201, whose choices are of every cell at once."""
    if isinstance(thing, (Rows, Space)):
        return thing
    if isinstance(thing, Mapping):
        return rows_of(thing)
    if not isinstance(thing, str):
        raise CostModelError(
            f"{type_name(thing)} is no search space; give a name, a mapping or the path of a .toml file"
        )
    if thing.endswith(".toml"):
        return rows_of(_document(thing))
    if ":" in thing:
        with code_of_the_user(thing):
            value = own(thing)
            return _source(value() if callable(value) else value)
    if thing not in SPACES:
        raise CostModelError(
            f"no search space is called {thing!r}; {nearest(thing, SPACES)}there are {', '.join(SPACES)}"
        )
    return ROWS[thing]() if thing in ROWS else None


def _document(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise CostModelError(f"there is no file {path}; correct the path, or name one of {', '.join(SPACES)}") from None
    except (OSError, ValueError) as error:
        raise CostModelError(f"{path} cannot be read: {error}") from None
