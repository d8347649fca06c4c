"""The report of ``costmodel models``: every architecture with its variants and defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from costmodel.models.registry import Architecture, full_name
from costmodel.report.answer import Answer
from costmodel.report.fitting import prose
from costmodel.report.table import Table


def defaults(architecture: Architecture) -> dict[str, object]:
    """The arguments of an architecture with their defaults; the variant is in the name."""
    parameters = architecture.choices
    return {name: parameter.default for name, parameter in parameters.items() if name != "variant"}


def _chosen(architecture: Architecture) -> str:
    return ", ".join(f"{name.replace('_', '-')} {value}" for name, value in defaults(architecture).items())


@final
class ModelsReport(Answer):
    """A row an architecture; with ``named``, a paragraph on each."""

    architectures: Sequence[Architecture]
    named: bool = False

    def lines(self) -> list[str]:
        return [
            f"{len(self.architectures)} architectures; a variant follows a colon, as in mobilenet_v2:scaled-head",
            "`costmodel models NAME` says what each variant is and where it is from.",
        ]

    def table(self) -> Table:
        rows = tuple(
            (one.name, ", ".join(variant for variant in one.variants if variant), _chosen(one))
            for one in self.architectures
        )
        return Table(("name", "variants", "defaults"), rows)

    def text(self, color: bool = False, width: int = 0) -> str:
        if not self.named:
            return super().text(color, width)
        lines = "\n\n".join(map(_details, self.architectures)).split("\n")
        return "\n".join(part for line in lines for part in prose(line, width))

    def document(self) -> object:
        """A list of objects: name, summary, defaults, variants."""
        return [
            {
                "name": architecture.name,
                "summary": architecture.summary,
                "defaults": defaults(architecture),
                "variants": dict(architecture.variants),
            }
            for architecture in self.architectures
        ]


def _details(architecture: Architecture) -> str:
    """What an architecture is, its defaults, and a line a variant."""
    names = {full_name(architecture.name, variant): line for variant, line in architecture.variants.items()}
    width = max(map(len, names))
    variants = [f"  {name:<{width}}  {line}" for name, line in names.items()]
    return "\n".join([f"{architecture.summary}; defaults: {_chosen(architecture)}", *variants])
