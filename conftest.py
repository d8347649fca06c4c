"""Settings for every test: Hypothesis profiles, one thread for torch, and which tests are quick."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.imports import needs_torch

# A forward pass may take long on a busy machine; that is no fault of the property.
settings.register_profile("ci", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", parent=settings.get_profile("ci"), max_examples=20_000)
settings.register_profile("quick", parent=settings.get_profile("ci"), max_examples=50)
# The same examples for every mutant, and no search for the smallest: that one fails is all that counts.
settings.register_profile(
    "mutation",
    parent=settings.get_profile("ci"),
    max_examples=25,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)

# Two worker processes share two cores; threads on top of them fight.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What costmodel chooses where nobody says: tests import Keras before it could.
os.environ.setdefault("KERAS_BACKEND", "torch")


#: Doors that need a package of the same name, which is an extra.
_DOORS = ("onnx", "tflite", "keras")


def _only_quick(config: pytest.Config) -> bool:
    return bool(config.option.markexpr == "quick")


def pytest_configure(config: pytest.Config) -> None:
    """Fewer examples where the developer waits."""
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick" if _only_quick(config) else "ci"))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The quick round does not import what needs torch; nobody imports a door whose package is not installed."""
    python = collection_path.suffix == ".py"
    closed = any(f"/capture/{name}/" in collection_path.as_posix() and find_spec(name) is None for name in _DOORS)
    return True if python and (closed or (_only_quick(config) and needs_torch(collection_path))) else None


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick is what is not marked slow and stands in a file that does not need torch."""
    for item in items:
        if item.get_closest_marker("slow") is None and not needs_torch(item.path):
            item.add_marker("quick")
