"""Which network a row of the published numbers is about: its plain reading is this network's.

What a row says of itself is taken at its word: "Shallow MobileNet" is the shallow variant, "Stanford Dogs" has 120
classes. What it does not say (a wider head, where ResNet strides) is left to the search. The table ``models`` has, for
patterns of "family|variant", the network and its options, or none where costmodel does not build it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from costmodel.models.registry import architecture
from costmodel.published.tables import PublishedNetwork, paper_table


class NamedModel(NamedTuple):
    """The name and the options of a model, as ``build`` takes them."""

    name: str
    options: Mapping[str, float] = {}


def model_of(row: PublishedNetwork) -> NamedModel | None:
    """The model that ``row`` is about; None where costmodel does not build it.

    >>> from costmodel.published.tables import published
    >>> model_of(published()[4])
    NamedModel(name='mobilenet_v1', options={'alpha': 0.75, 'resolution': 224})
    """
    title = f"{row.family}|{row.variant}"
    first = next((line for line in paper_table("models") if fnmatchcase(title, line.pattern)), None)
    if first is None or not first.model:
        return None
    accepted = architecture(first.model.partition(":")[0]).choices
    printed = {name: getattr(row, name) for name in ("alpha", "resolution") if name in accepted}
    fixed = {name: getattr(first, name) for name in ("alpha", "resolution", "num_classes", "groups")}
    options = [(name, value) for named in (printed, fixed) for name, value in named.items() if value is not None]
    return NamedModel(first.model, dict(options))
