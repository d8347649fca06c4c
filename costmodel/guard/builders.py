"""What a configuration may name as a builder: a line of text in it runs code, and a reviewer reads text as harmless."""

from __future__ import annotations

import functools
import sys
from collections.abc import Collection

from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.guard.config import Model
from costmodel.loading import load_with, named


def built(model: Model, allowed: Collection[str]) -> Network:
    """The network of ``model``.

    Raises :class:`~costmodel.errors.CostModelError` for a builder of Python's standard library that is not ``allowed``
    by name, before it runs (``os:system`` builds nothing), and as :func:`~costmodel.load` does.
    """
    thing: object = model.build
    if model.build not in allowed:
        _refuse_standard(model.build, model.build.partition(":")[0] if ":" in model.build else "")
        thing = named(model.build)
        _refuse_standard(model.build, _home(thing))
    return load_with(thing, model.kwargs, model.inputs, title=model.build)


def _home(thing: object) -> str:
    """The module that a builder is from, whatever other module it was imported into."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    home = getattr(thing, "__module__", None) or type(thing).__module__
    return "" if isinstance(thing, str) else str(home)


def _refuse_standard(build: str, module: str) -> None:
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names:
        raise CostModelError(
            f"build = {build!r} is of Python's standard library ({root}), which builds no models; name a class or"
            f" function of yours or of a model library, or write allow = [{build!r}] beside the models if this is meant"
        )
