"""What a network costs in a line, and its parts in rows: behind the reports, with what could not be counted."""

from __future__ import annotations

from collections.abc import Mapping

from costmodel.core.graph import Node
from costmodel.core.layers import Uncounted
from costmodel.core.ledger import Entry, Ledger, operators_text
from costmodel.core.network import Network
from costmodel.report.table import Cell, Table
from costmodel.report.units import si

#: What training does with what is stored: properties of a ledger, and their columns.
_TRAINING = ("trainable_parameters", "frozen_parameters", "buffers")


def headline(network: Network, batch: int = 1) -> str:
    """The answer in one line; what could not be counted is in it.

    >>> import costmodel as cm
    >>> headline(cm.mobilenet_v1(alpha=0.75, resolution=192))
    '239,273,472 multiply-adds = 478.5 MFLOPs; 2,585,560 parameters, of which weights 2,568,144'
    """
    ledger = network.ledger.batched(batch)
    missing = operators_text(ledger.not_counted)
    trained = f", trainable {ledger.trainable_parameters:,}" if ledger.frozen_parameters else ""
    return (
        f"{at_least(ledger)}{ledger.multiply_adds:,} multiply-adds = {si(ledger.flops, 'FLOPs')};"
        f" {ledger.parameters:,} parameters, of which weights {ledger.weights:,}{trained}"
        f"{missing and f'; not counted: {missing}'}"
    )


def subject(network: Network, batch: int = 1) -> str:
    """The network in a line: its name and the choices it was built from."""
    shapes = " and ".join(map(str, network.inputs))
    # These are in the shape of the input.
    sizes = ("resolution", "in_channels", "sequence")
    choices = {name: value for name, value in network.config.items() if name not in sizes}
    classes = [f"{choices.pop('num_classes')} classes"] if "num_classes" in choices else []
    # Numbers in full: a rounded alpha would be another network.
    others = [f"{name.replace('_', ' ')} {str(value).removesuffix('.0')}" for name, value in choices.items()]
    return f"{network.name}: {', '.join([*others, f'input {shapes}', f'batch {batch}', *classes])}"


def costs(ledger: Ledger, by: str, depth: int = 2, sort: str = "order") -> Table:
    """What each part of ``ledger`` costs: a row a part, with its share of the multiply-adds.

    Columns ``name`` (``type`` when grouped by type), what is known of the part (``type``, ``input``, ``output``, or
    the number of ``layers``), ``parameters``, ``multiply_adds``, ``share``; next to the parameters, where some are
    frozen, ``trainable_parameters``, ``frozen_parameters`` and ``buffers``; and ``not_counted``, where a capture was
    told to go on past operators that nobody has decided on: then every number is the least that it can be.
    """
    parts = ledger.by(by, depth)
    if by == "layer":
        known: tuple[str, ...] = ("name", "type", "input", "output")
        heads: list[tuple[Cell, ...]] = [(entry.name, entry.label, entry.input, entry.output) for entry in ledger]
    elif by == "type":
        known = ("type", "layers")
        heads = [(name, len(part)) for name, part in parts.items()]
    else:
        known = ("name", "input", "output")
        heads = [(name, part.input, part.output) for name, part in parts.items()]
    total = ledger.multiply_adds

    def numbers(part: Ledger) -> tuple[Cell, ...]:
        stored = [getattr(part, column) for column in ("parameters", *training)]
        numbers = (*stored, part.multiply_adds, part.multiply_adds / total if total else 0.0)
        return (*numbers, operators_text(part.not_counted)) if missing else numbers

    missing = bool(ledger.uncounted)
    training = _TRAINING if ledger.frozen_parameters else ()
    columns = (*known, "parameters", *training, "multiply_adds", "share", *["not_counted"] * missing)
    total_name = f"total, {at_least(ledger)}".rstrip(" ,")
    rows = tuple((*head, *numbers(part)) for head, part in zip(heads, parts.values(), strict=True))
    blank = [""] * (len(known) - 1)
    table = Table(columns, rows, (total_name, *blank, *numbers(ledger)))
    return table if sort == "order" else table.sorted(sort)


def operator(node: Node) -> str:
    """The name of an operator that nobody has decided on: ``aten.foo``."""
    layer = node.layer
    assert isinstance(layer, Uncounted)
    return layer.name


def not_counted(times: Mapping[str, int]) -> list[dict[str, object]]:
    """The operators that nobody has decided on, as the JSON contract has them: each with how often it runs."""
    return [{"operator": name, "times": count} for name, count in times.items()]


def at_least(ledger: Ledger) -> str:
    """What stands in front of a total that is not all, or that is a bound."""
    return "at least " if ledger.uncounted else "at most " if ledger.assumptions else ""


def fields(entry: Entry, batch: int) -> dict[str, object]:
    """An entry as the JSON contract has it: exact integers, shapes as lists, ``inputs`` the names it reads."""
    return {
        "name": entry.name,
        "type": entry.kind,
        "input": list(entry.input.sizes),
        "output": list(entry.output.sizes),
        "parameters": entry.params.parameters,
        "trainable_parameters": entry.params.trainable,
        "frozen_parameters": entry.params.frozen,
        "buffers": entry.params.buffer,
        "multiply_adds": entry.ops.mac * batch,
        "activations": entry.node.activations * batch,
        "inputs": [node.name for node in entry.node.inputs],
    }


def totals(ledger: Ledger) -> dict[str, object]:
    """The totals as the JSON contract has them; ``not_counted`` is empty where they are all that it costs."""
    return {
        "multiply_adds": ledger.multiply_adds,
        "flops": ledger.flops,
        "activations": ledger.activations,
        "parameters": ledger.parameters,
        **{name: getattr(ledger, name) for name in _TRAINING},
        "weights": ledger.weights,
        "not_counted": not_counted(ledger.not_counted),
    }
