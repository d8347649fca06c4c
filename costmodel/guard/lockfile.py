"""The lock file: what every model costs, as text that a person can review and git can merge.

::

    costmodel.lock format 1
    # What each model costs ...

    model | student
      input | input | - | - | 3x32x32 | 0 | 0 | 1f0c6d2e
    reason | wider stem
      stem.conv | conv | kernel 3x3, stride 2x2, padding 1x1, no bias | 3x32x32 | 16x16x16 | 110592 | 432 | 77b1a50c
    bytes | int8 | 5120 | stem.conv | 432 | 5a3c0e11
    end | student | 0d0a9b3f

    end of costmodel.lock

- Models in the order of their names, layers in the order of the network. ASCII alone: a text that is not plain is
  written as a JSON string.
- The check at the end of a line is the CRC-32 of the model, the name in the line before, and the line. A line that was
  edited, moved, added or removed by hand is so found and named; and nothing in the file is about a whole model or about
  the whole file, which every change would touch. So two branches that change two models, or two parts of one model,
  merge without a conflict, and the merged file holds for the merged code. For the same reason there are no totals: they
  are the sums of the lines.
- A reason stands above the first layer it explains. It has no check: what people wrote, people may edit.
- Where the configuration names a type, its bytes are in a line of their own: the type, the peak of the activation
  memory, the operation at which it stands, the size of the parameters.
- A model without layers is one that was removed, with the reason why. People may delete such a section.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from zlib import crc32

from costmodel.errors import CostModelError
from costmodel.guard.choice_text import choices_text, parse_choices
from costmodel.guard.cost import ByteCost, LayerCost, ModelCost
from costmodel.quantities import parse_dtype

#: Raised whenever a file that was written before would be read wrongly, or would be written otherwise.
FORMAT = 1

NAME = "costmodel.lock"

#: The most bytes of a lock that are read: that of a hundred architectures has two million.
LARGEST = 64 * 2**20

_FIRST = f"costmodel.lock format {FORMAT}"
_NOTES = (
    "# What each model costs, counted exactly for one sample. Written by `costmodel lock`: edit the model, not this.",
    "# name | layer | choices | reads | makes | multiply-adds | parameters | check",
)
_LAST = "end of costmodel.lock"
_PLAIN = re.compile(r"[\w.:,;=()'/+*@\[\]-]+( [\w.:,;=()'/+*@\[\]-]+)*", re.ASCII)
_NOTHING = "-"
#: What this writes: int() also takes signs, underscores, spaces and the digits of every script.
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_SHAPE = re.compile(r"[0-9]+(x[0-9]+)*")
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")

UPDATE = "run `costmodel lock --update`"


class LockError(CostModelError):
    """A lock file that cannot be read, with the line and the fix; ``path`` is where it is, if it is a file."""

    path: Path | None = None
    line: int = 0


class NewerFormatError(LockError):
    """A lock file that a newer costmodel wrote; this one must not overwrite it."""


def write(models: Iterable[ModelCost]) -> str:
    """The text of a lock that holds ``models``: the same for the same costs, wherever and whenever it is written.

    >>> import costmodel as cm
    >>> from costmodel.guard.cost import cost_of
    >>> print(write([cost_of(cm.lenet(), "small")]))
    costmodel.lock format 1
    ...
    model | small
      input | input | - | - | 3x32x32 | 0 | 0 | ...
      features.conv1.conv | conv | kernel 5x5, ..., with bias | 3x32x32 | 16x28x28 | 940800 | 1216 | ...
    ...
    """
    lines = [_FIRST, *_NOTES, ""]
    for model in sorted(models, key=lambda model: model.name):
        lines.extend(_section(model))
    return "\n".join([*lines, _LAST, ""])


def _section(model: ModelCost) -> Iterator[str]:
    name = _quoted(model.name)
    yield f"model | {name}"
    reasons: dict[int, list[str]] = {}
    for place, reason in model.reasons:
        reasons.setdefault(place, []).append(reason)
    before = ""
    for place, layer in enumerate(model.layers):
        for reason in reasons.get(place, ()):
            yield f"reason | {_quoted(reason)}"
        called, kind, choices, reads, makes, multiply_adds, parameters = layer
        quoted = _quoted(called)
        content = (
            f"{quoted} | {_quoted(kind)} | {_quoted(choices_text(choices))} | {reads or _NOTHING} | {makes}"
            f" | {multiply_adds} | {parameters}"
        )
        yield f"  {content} | {_check(name, before, content)}"
        before = quoted
    if model.removed:
        for _, reason in model.reasons:
            yield f"reason | {_quoted(reason)}"
    if model.bytes is not None:
        dtype, peak, at, size = model.bytes
        content = f"{dtype} | {peak} | {_quoted(at)} | {size}"
        yield f"bytes | {content} | {_check(name, before, content)}"
    yield f"end | {name} | {_check(name, before, 'end')}"
    yield ""


def _check(model: str, before: str, content: str) -> str:
    return f"{crc32(f'{model} | {before} | {content}'.encode()):08x}"


def _quoted(text: str) -> str:
    if text == "":
        return _NOTHING
    if text != _NOTHING and _PLAIN.fullmatch(text):
        return text
    # The separator is escaped too, so that a line can be split before anything in it is read.
    return json.dumps(text).replace("|", "\\u007c")


def read(content: bytes, place: str = NAME, update: str = UPDATE) -> dict[str, ModelCost]:
    """The models of a lock file by name; ``place`` is what messages call the file, ``update`` what writes it anew.

    Raises :class:`LockError`, with the line and the fix, for a file that is cut off, was edited
    by hand or holds a merge conflict, and for another version of the format.
    """
    # A checkout on Windows may have added the carriage returns.
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if line.startswith(_CONFLICT):
            raise _damaged(place, number, f"a merge conflict was left here; resolve it, or {update} to count anew")
    _check_first(lines[0], len(lines) > 1, place, update)
    if lines[-1]:
        raise _cut(place, len(lines), update)
    return _Reader(lines[:-1], place, update).models()


def _check_first(line: str, complete: bool, place: str, update: str) -> None:
    if line == _FIRST and complete:
        return
    match = re.fullmatch(r"costmodel\.lock format (\d{1,9})", line, re.ASCII)
    if match and complete and int(match[1]) > FORMAT:
        raise NewerFormatError(
            f"{place}:1: format {match[1]} is newer than format {FORMAT}, which this costmodel reads;"
            " run `pip install --upgrade nn-costmodel`"
        )
    if match and complete:
        raise _damaged(place, 1, f"format {match[1]} is older than format {FORMAT}; {update} to write it anew")
    if not complete and _FIRST.startswith(line):
        raise _cut(place, 1, update)
    raise _damaged(place, 1, f"this is not a lock file, which begins with {_FIRST!r}; {update} to write one")


def _damaged(place: str, number: int, what: str) -> LockError:
    error = LockError(f"{place}:{number}: {what}")
    error.line = number
    return error


def _cut(place: str, number: int, update: str) -> LockError:
    return _damaged(place, number, f"the file ends here, before its last line {_LAST!r}: it was cut off; {update}")


def unquoted(text: str) -> str | None:
    """What a field of a line says; None where that cannot be read."""
    if not text.startswith('"'):
        return "" if text == _NOTHING else text
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


class _Reader:
    """Goes through the lines once; ``number`` is the one at hand, from 1."""

    def __init__(self, lines: list[str], place: str, update: str) -> None:
        self._lines = lines
        self._place = place
        self._update = update
        self._number = 1

    def models(self) -> dict[str, ModelCost]:
        for wanted in _NOTES:
            if self._next() != wanted:
                raise self._edited()
        models: dict[str, ModelCost] = {}
        while (line := self._next()) != _LAST:
            if line == "":
                continue
            keyword, _, name = line.partition(" | ")
            if keyword != "model":
                raise self._edited()
            model = self._model(name)
            if model.name in models:
                first = f"the section of line {models[model.name].line} has the same name"
                raise _damaged(self._place, model.line, f"{first}; {self._update} to count anew")
            models[model.name] = model
        if self._number != len(self._lines):
            self._number += 1
            raise self._error(f"nothing may follow {_LAST!r}")
        return models

    def _model(self, quoted: str) -> ModelCost:
        start = self._number
        name = self._unquoted(quoted)
        layers: list[LayerCost] = []
        reasons: list[tuple[int, str]] = []
        before = ""
        while (line := self._next()).startswith(("  ", "reason | ")):
            if line[0] == "r":
                reasons.append((len(layers), self._unquoted(line.removeprefix("reason | "))))
                continue
            content, _, check = line[2:].rpartition(" | ")
            if _check(quoted, before, content) != check:
                raise self._edited()
            before, layer = self._layer(content)
            layers.append(layer)
        taken = None
        if line.startswith("bytes | "):
            content, _, check = line.removeprefix("bytes | ").rpartition(" | ")
            if _check(quoted, before, content) != check:
                raise self._edited()
            taken = self._bytes(content)
            line = self._next()
        if line != f"end | {quoted} | {_check(quoted, before, 'end')}":
            raise self._edited()
        return ModelCost(name, tuple(layers), tuple(reasons), start, taken)

    def _bytes(self, content: str) -> ByteCost:
        try:
            dtype, peak, at, size = content.split(" | ")
            return ByteCost(parse_dtype(dtype), _number(peak), self._unquoted(at), _number(size))
        except ValueError:  # the check fits, so somebody computed it
            raise self._edited() from None

    def _layer(self, content: str) -> tuple[str, LayerCost]:
        try:
            name, kind, choices, reads, makes, multiply_adds, parameters = content.split(" | ")
            shapes = [makes] if reads == _NOTHING else [makes, *reads.split(",")]
            if not all(map(_SHAPE.fullmatch, shapes)):
                raise ValueError
            figures = _number(multiply_adds), _number(parameters)
        except ValueError:  # the check fits, so somebody computed it
            raise self._edited() from None
        texts = self._unquoted(name), self._unquoted(kind), parse_choices(self._unquoted(choices))
        return name, LayerCost(*texts, "" if reads == _NOTHING else reads, makes, *figures)

    def _next(self) -> str:
        if self._number == len(self._lines):
            raise _cut(self._place, self._number, self._update)
        self._number += 1
        return self._lines[self._number - 1]

    def _unquoted(self, text: str) -> str:
        value = unquoted(text)
        if value is None:
            raise self._edited()
        return value

    def _edited(self) -> LockError:
        return self._error("this line, or one just before it, was edited, moved or removed by hand, or is damaged")

    def _error(self, what: str) -> LockError:
        return _damaged(self._place, self._number, f"{what}; {self._update} to count anew")
