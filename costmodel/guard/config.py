"""The models of a project: ``[tool.costmodel.models.NAME]`` in pyproject.toml, ``[models.NAME]`` in costmodel.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from costmodel.capture.input_spec import InputSpec, parse_input
from costmodel.errors import CostModelError, nearest, placed
from costmodel.files import read_regular, seen
from costmodel.guard import lockfile
from costmodel.guard.budget import Budgets, parse_budgets
from costmodel.loading import is_network_file
from costmodel.quantities import parse_dtype

OWN = "costmodel.toml"
SHARED = "pyproject.toml"

#: The most bytes of a configuration that are read: more than anybody writes by hand.
LARGEST = 16 * 2**20


class ConfigError(CostModelError):
    """A configuration that cannot be read; ``path`` is where it is, ``line`` is 0 where that is not known."""

    path: Path | None = None
    line: int = 0


_KEYS = ("build", "kwargs", "input", "budgets", "dtype")


class Model(NamedTuple):
    """One model to check: what builds it, with which arguments, on which inputs, and what it may cost.

    ``dtype`` is the type of its values where bytes are locked and judged; empty where none is named.
    """

    name: str
    build: str
    kwargs: Mapping[str, object]
    inputs: tuple[InputSpec, ...]
    budgets: Budgets
    dtype: str = ""


class Config(NamedTuple):
    """The models of a project, and the file that lists them.

    ``allow`` are builders that are run though they are of Python's standard library.
    """

    path: Path
    models: tuple[Model, ...]
    allow: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The project: where modules are looked for and where the lock is."""
        return self.path.parent

    @property
    def lock(self) -> Path:
        """The lock file, beside the configuration."""
        return self.folder / lockfile.NAME


def find(start: Path) -> Path:
    """The configuration of the project that ``start`` is in: the nearest one, in it or above it.

    Raises :class:`~costmodel.errors.CostModelError` where there is none, and where one folder has two.
    """
    for folder in (start, *start.parents):
        files = [place for place in (folder / OWN, folder / SHARED) if _is_ours(place)]
        if len(files) > 1:
            raise CostModelError(f"both {seen(files[0])} and {seen(files[1])} list models; keep one of them")
        if files:
            return files[0]
    raise CostModelError(
        f"no {SHARED} or {OWN} in {seen(start)} or above it lists models; write [tool.costmodel.models.NAME] and"
        ' build = "mobilenet_v2" into pyproject.toml'
    )


def _is_ours(place: Path) -> bool:
    return place.is_file() and lists_models(_content(place), place)


def lists_models(content: bytes, path: Path) -> bool:
    """Whether ``content``, of the file at ``path``, is a configuration of costmodel. Raises as :func:`read` does."""
    return path.name == OWN or "costmodel" in _table(_parsed(content, path).get("tool", {}), "tool", path)


def load(path: Path) -> Config:
    """The models that the file at ``path`` lists.

    Raises :class:`~costmodel.errors.CostModelError` where it cannot be read, and as :func:`read` does.
    """
    return read(_content(path), path)


def read(content: bytes, path: Path) -> Config:
    """The models that ``content`` lists, the text of a configuration at ``path``.

    Raises :class:`ConfigError` for what is no TOML, for an unknown key, with the nearest one, and for a value of the
    wrong kind.
    """
    document = _parsed(content, path)
    try:
        return _config(document, path)
    except CostModelError as error:
        raise _misconfigured(path, str(error)) from None


def _config(document: dict[str, Any], path: Path) -> Config:
    prefix = "" if path.name == OWN else "tool.costmodel."
    ours = document if not prefix else document["tool"]["costmodel"]
    _known(_table(ours, prefix.rstrip("."), path), ("models", "allow"), prefix or "the file", path)
    models = _table(ours.get("models", {}), f"{prefix}models", path)
    if not models:
        raise CostModelError(f'{seen(path)} lists no models; write [{prefix}models.NAME] and build = "mobilenet_v2"')
    allow = ours.get("allow", [])
    if not isinstance(allow, list) or not all(isinstance(name, str) for name in allow):
        raise CostModelError(f'{seen(path)}: {prefix}allow = {allow!r} must be a list of MODULE:NAME, as in ["a:b"]')
    listed = tuple(_model(name, table, f"{prefix}models.{name}", path) for name, table in models.items())
    return Config(path, listed, tuple(allow))


def _misconfigured(path: Path, what: str, line: int = 0) -> ConfigError:
    error = ConfigError(what)
    error.path, error.line = path, line
    return error


def _content(path: Path) -> bytes:
    try:
        return read_regular(path, LARGEST)
    except FileNotFoundError:
        raise CostModelError(f"cannot read {seen(path)}: no such file or directory") from None


def _parsed(content: bytes, path: Path) -> dict[str, Any]:
    import tomllib

    if content.startswith(b"\xef\xbb\xbf"):
        message = (
            f"{seen(path)} begins with a byte order mark (BOM), which TOML does not allow; save it as UTF-8 without"
        )
        raise _misconfigured(path, message, 1)
    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"\(at line (\d+)", str(error))
        message = f"{seen(path)} is no TOML: {error}; correct it there"
        raise _misconfigured(path, message, int(line[1]) if line else 0) from None
    except RecursionError:
        raise _misconfigured(path, f"{seen(path)} is nested too deeply to be read; write flat tables") from None


def _model(name: str, table: object, key: str, path: Path) -> Model:
    own = _table(table, key, path)
    _known(own, _KEYS, key, path)
    if not name.strip():
        raise CostModelError(f"{seen(path)}: a model has no name; write [{key}NAME]")
    if not isinstance(own.get("build"), str):
        raise CostModelError(
            f'{seen(path)}: {key} must say what builds it, as in build = "mobilenet_v2"'
            ' or build = "mypackage.models:student"'
        )
    given = own.get("input", [])
    inputs = [given] if isinstance(given, str) else given
    if not isinstance(inputs, list) or not all(isinstance(text, str) for text in inputs):
        raise CostModelError(
            f'{seen(path)}: {key}.input = {given!r} must be a shape or several, as in input = "3x224x224"'
        )
    with placed(f"{seen(path)}: {key}.input"):
        shapes = tuple(map(parse_input, inputs))
    limits = _table(own.get("budgets", {}), f"{key}.budgets", path)
    with placed(f"{seen(path)}: {key}.budgets"):
        budgets = parse_budgets(limits)
    dtype = own.get("dtype", "")
    if not isinstance(dtype, str):
        raise CostModelError(f'{seen(path)}: {key}.dtype = {dtype!r} must be the name of a type, as in dtype = "int8"')
    if "dtype" in own:
        with placed(f"{seen(path)}: {key}.dtype"):
            dtype = parse_dtype(dtype)
            budgets = budgets.at(dtype)
    kwargs = _table(own.get("kwargs", {}), f"{key}.kwargs", path)
    build = own["build"]
    if is_network_file(build):  # it lies beside the configuration, wherever that is read from
        build = os.fspath(path.parent / build)
    return Model(name, build, kwargs, shapes, budgets, dtype)


def _table(value: object, key: str, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CostModelError(f"{seen(path)}: {key} = {value!r} must be a table, as in [{key}]")
    return value


def _known(table: Mapping[str, object], known: Iterable[str], key: str, path: Path) -> None:
    for name in table:
        if name not in known:
            place = key.rstrip(".")
            raise CostModelError(
                f"{seen(path)}: {place} has no key {name!r}; {nearest(name, known)}it has {', '.join(known)}"
            )
