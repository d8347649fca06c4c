"""The report of ``costmodel models``: every architecture with its variants and defaults."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from costmodel.architectures import Architecture
from costmodel.report import formats


def defaults(architecture: Architecture) -> dict[str, object]:
    """The arguments of an architecture with their defaults; the variant is in the name."""
    parameters = inspect.signature(architecture.build).parameters
    return {name: parameter.default for name, parameter in parameters.items() if name != "variant"}


def text(architectures: Iterable[Architecture]) -> str:
    """A paragraph an architecture: its summary, its defaults, a line a variant."""
    return "\n\n".join(map(_paragraph, architectures))


def _paragraph(architecture: Architecture) -> str:
    chosen = ", ".join(f"{name.replace('_', '-')} {value}" for name, value in defaults(architecture).items())
    names = {f"{architecture.name}:{variant}".rstrip(":"): line for variant, line in architecture.variants.items()}
    width = max(map(len, names))
    variants = [f"  {name:<{width}}  {line}" for name, line in names.items()]
    return "\n".join([f"{architecture.summary}; defaults: {chosen}", *variants])


def json(architectures: Iterable[Architecture]) -> str:
    """A list of objects: name, summary, defaults, variants."""
    return formats.json_text(
        [
            {
                "name": architecture.name,
                "summary": architecture.summary,
                "defaults": defaults(architecture),
                "variants": dict(architecture.variants),
            }
            for architecture in architectures
        ]
    )
