"""One page about a model, or about two: numbers, layers, depth, conventions, and what changed; plain HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import NamedTuple

from costmodel.analyses.memory import memory
from costmodel.analyses.receptive_field import receptive_field
from costmodel.conventions import ALL, counts_of
from costmodel.core.ledger import operators_text
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.guard import lockfile
from costmodel.guard.check import Verdict
from costmodel.guard.cost import cost_of
from costmodel.guard.diff import difference
from costmodel.report.conventions import itemized
from costmodel.report.costs import at_least, subject
from costmodel.report.count import COUNTED
from costmodel.report.guard.report import GuardReport
from costmodel.report.units import si, words_of
from costmodel.version import __version__


class _Depth(NamedTuple):
    """One picture along the network: its title, what the axis counts, a value an operation (None where unknown)."""

    title: str
    unit: str
    values: Sequence[int | None]
    note: str = ""


def page(networks: Sequence[Network]) -> str:
    """The whole page, for one network or for two, of which the first is the older one.

    >>> import costmodel as cm
    >>> text = page([cm.lenet5()])
    >>> text.startswith("<!DOCTYPE html>"), "416,520" in text
    (True, True)
    """
    names = [network.name for network in networks]
    title = " and ".join(names) if len(set(names)) > 1 else names[0]
    sections = [_beside([_numbers(network) for network in networks])]
    if len(networks) == 2:
        sections.append(_changes(*networks))
    for network in networks:
        sections += [_depths(network), _layers(network)]
    sections += [_conventions(networks)]
    shared = (files("costmodel.report.explore") / "page.css").read_text(encoding="utf-8")
    own = (files(__package__) / "review.css").read_text(encoding="utf-8")
    template = Template((files(__package__) / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        lead=escape("; ".join(subject(network) for network in networks)),
        sections="\n".join(sections),
        style=f"{shared}\n{own}",
        script=(files(__package__) / "review.js").read_text(encoding="utf-8"),
        counted=escape(COUNTED),
        version=__version__,
    )


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>"


def _beside(parts: Sequence[str]) -> str:
    return f'<div class="two">\n{"".join(parts)}\n</div>'


def _numbers(network: Network) -> str:
    ledger = network.ledger
    rows = [
        ("Multiply-adds", f"{at_least(ledger)}{ledger.multiply_adds:,}", si(ledger.flops, "FLOPs")),
        ("Parameters", f"{ledger.parameters:,}", f"{si(network.size(), 'B')} as stored"),
    ]
    try:
        peak = memory(network).peak_bytes
        rows.append(("Peak memory in bytes", f"{peak:,}", f"{si(peak, 'B')} of activations, one sample"))
    except CostModelError as error:
        rows.append(("Peak memory", "not known", str(error)))
    numbers = "".join(
        f'<div><dt>{what}</dt><dd class="number">{escape(number)}</dd><dd class="more">{escape(more)}</dd></div>'
        for what, number, more in rows
    )
    missing = operators_text(ledger.not_counted)
    warning = f'<p class="warning">Not counted: {escape(missing)}; the true cost is higher.</p>' if missing else ""
    source = f'<p class="note">{escape(network.source)}</p>' if network.source else ""
    return _section(network.name, f'{warning}<dl class="numbers">{numbers}</dl>{source}')


def _changes(old: Network, new: Network) -> str:
    name = f"{old.name} -> {new.name}"
    verdict = Verdict(name, difference(cost_of(old, name), cost_of(new, name)))
    report = GuardReport([verdict], lockfile.NAME, judged=False, old=old.name, new=new.name)
    return _section("What changed", f"<pre>{escape(report.text())}</pre>")


def _depths(network: Network) -> str:
    nodes = network.ledger.operations
    pictures = [_Depth("Multiply-adds", "multiply-adds", [node.macs for node in nodes])]
    try:
        live = {row.name: row.live for row in memory(network).rows}
        pictures.append(_Depth("Memory of activations", "bytes alive", [live.get(node.name) for node in nodes]))
    except CostModelError as error:
        pictures.append(_Depth("Memory of activations", "bytes alive", [], str(error)))
    try:
        fields = receptive_field(network)
        sizes = [row.receptive_field if isinstance(row.receptive_field, int) else None for row in fields]
        reasons = [row.reason for row in fields if row.reason]
        note = f"From there on none: {reasons[0]}" if reasons else ""
        pictures.append(_Depth("Receptive field", "pixels of the input", sizes, note))
    except CostModelError as error:
        pictures.append(_Depth("Receptive field", "pixels of the input", [], str(error)))
    names = [node.name for node in nodes]
    return _section(f"Along the depth of {network.name}", "\n".join(_bars(names, picture) for picture in pictures))


def _bars(names: Sequence[str], depth: _Depth) -> str:
    """A bar an operation, from the first to the last."""
    note = f'<p class="note">{escape(depth.note)}</p>' if depth.note else ""
    most = max([value for value in depth.values if value is not None], default=0)
    if not most:
        return f"<h3>{depth.title}</h3>\n{note or '<p class=note>none</p>'}"
    width = 1000 / len(names)
    bars = "".join(
        f'<rect x="{place * width:.2f}" y="{110 - 100 * value / most:.2f}" width="{max(width - 0.4, 0.4):.2f}"'
        f' height="{100 * value / most:.2f}"><title>{escape(name)}: {value:,} {depth.unit}</title></rect>'
        for place, (name, value) in enumerate(zip(names, depth.values, strict=True))
        if value
    )
    label = f"{depth.title} of each operation, from the first to the last; the largest is {most:,} {depth.unit}"
    picture = f'<svg viewBox="0 0 1000 112" role="img" aria-label="{escape(label)}">{bars}</svg>'
    return f"<h3>{depth.title}, at most {most:,} {depth.unit}</h3>\n{picture}\n{note}"


def _layers(network: Network) -> str:
    head = ("Operation", "Type", "Input", "Output", "Parameters", "Multiply-adds", "Share")
    titles = "".join(
        f'<th scope="col"{" class=number" if place > 3 else ""}>{title}</th>' for place, title in enumerate(head)
    )
    total = network.multiply_adds or 1
    rows = []
    for module, part in network.ledger.by("block").items():
        rows.append(_row("module", module, module, ("", str(part.input), str(part.output)), part.parameters,
            part.multiply_adds, total))  # fmt: skip
        for entry in part:
            sizes = (entry.label, str(entry.input), str(entry.output))
            rows.append(_row("layer", module, entry.name, sizes, entry.params.parameters, entry.ops.mac, total))
    tools = (
        '<div class="tools" hidden><label>Show operations with <input type="search"></label>'
        '<button type="button">In the order of the network</button></div>'
    )
    table = f'<table class="layers"><thead><tr>{titles}</tr></thead><tbody>\n{chr(10).join(rows)}\n</tbody></table>'
    return _section(f"Operations of {network.name}", f'{tools}<div class="scroll">{table}</div>')


def _row(
    kind: str, module: str, name: str, texts: tuple[str, ...], parameters: int, multiply_adds: int, total: int
) -> str:
    share = 100 * multiply_adds / total
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    numbers = "".join(
        f'<td class="number" data-value="{value}">{text}</td>'
        for value, text in (
            (parameters, f"{parameters:,}"), (multiply_adds, f"{multiply_adds:,}"), (share, f"{share:.2f} %"),
        )
    )  # fmt: skip
    named = f'<td class="name">{escape(name)}</td>'
    return f'<tr class="{kind}" data-module="{escape(module)}">{named}{cells}{numbers}</tr>'


def _conventions(networks: Sequence[Network]) -> str:
    counts = [counts_of(network.ledger) for network in networks]
    titles = "".join(f'<th scope="col">{escape(network.name)}</th>' for network in networks)
    rows = []
    for name in dict.fromkeys(name for count in counts for name in count):
        cells = ""
        for count in counts:
            figure = count.get(name)
            if figure is None or isinstance(figure, CostModelError):
                cells += f"<td>no number{f': {escape(str(figure))}' if figure else ''}</td>"
            else:
                made_of = itemized(figure)
                cells += f"<td>{figure.total:,}{f' = {escape(made_of)}' if made_of else ''}</td>"
        rows.append(f"<tr><td>{escape(name)}</td><td>{escape(words_of(ALL[name].quantity))}</td>{cells}</tr>")
    table = f'<table><thead><tr><th scope="col">Convention</th><th scope="col">Counts</th>{titles}</tr></thead>'
    body = f"<tbody>{chr(10).join(rows)}</tbody></table>"
    return _section("What papers and tools would print", f'<div class="scroll">{table}{body}</div>')
