"""One self-contained page: the tables of every architecture that reads images, and the script that adds them up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from string import Template
from typing import Any

from costmodel.loading import load, load_with
from costmodel.models.registry import names, resolve
from costmodel.scaling.measured import MEASURED_NETWORKS, measured
from costmodel.scaling.tables import Tables
from costmodel.version import __version__

#: What the page opens with.
FIRST = "mobilenet_v1"


def drawable() -> list[str]:
    """The architectures that read images, whose cost the tables can say."""
    return [name for name in names() if "resolution" in resolve(name)[0].choices]


def page(networks: Iterable[Tables]) -> str:
    """The whole page, for these networks; among them must be :data:`FIRST`.

    >>> from costmodel.scaling.tables import tables
    >>> text = page([tables("mobilenet_v1", alphas=[1.0], resolutions=[224])])
    >>> text.startswith("<!DOCTYPE html>"), "http://" in text.replace("http://www.w3.org/2000/svg", "")
    (True, False)
    """
    shown = {network.name: _as_json(network) for network in networks}
    data = json.dumps({"first": FIRST, "networks": shown, "points": _points(shown)}, separators=(",", ":"))
    parts = {"style": "page.css", "costs": "costs.js", "script": "page.js"}
    texts = {part: (files(__package__) / file).read_text(encoding="utf-8") for part, file in parts.items()}
    template = Template((files(__package__) / "page.html").read_text(encoding="utf-8"))
    # A "</script>" in the data would end it.
    return template.substitute(texts, data=data.replace("</", "<\\/"), version=__version__)


def _as_json(network: Tables) -> dict[str, Any]:
    return {**network._asdict(), "source": load(network.name).source}


def _points(shown: Iterable[str]) -> list[dict[str, Any]]:
    """Every published accuracy of the networks shown, with what that network costs."""
    return [
        {
            "name": name, "alpha": alpha, "resolution": resolution, "top1": known.top1, "source": known.source,
            "multiply_adds": load_with(name, {"alpha": alpha, "resolution": resolution}).multiply_adds,
        }
        for name in MEASURED_NETWORKS if name in shown
        for (alpha, resolution), known in measured(name).items()
    ]  # fmt: skip
