"""A search space as rows of blocks: its costs, its states and its networks all follow from the blocks themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, NamedTuple, final

from costmodel.core.graph import Node, image
from costmodel.core.layers.base import Input
from costmodel.core.network import Network
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, nearest, placed, positive_int, type_name
from costmodel.scaling.spaces.blocks import BLOCKS
from costmodel.scaling.spaces.space import Choice, Space

#: A block: tensor, name.
Block = Callable[[Node, str], Node]

#: What is chosen where a row has fewer blocks than it may, and where a block is left out.
NONE, SKIP = "none", "skip"

#: Of a repeated row, these are of the first block; the others have the defaults.
_OF_THE_FIRST = ("out", "stride")


class Position(NamedTuple):
    """One position of a network: name -> block of what may stand there.

    ``may_skip``: also nothing, where the shape can stay as it is. ``may_end``: also nothing, and nothing at the rest
    of the row's positions, of which ``last`` is the last.
    """

    name: str
    options: Mapping[str, Block]
    may_skip: bool = False
    may_end: bool = False
    last: bool = True


class _Reached(NamedTuple):
    """What the blocks so far leave behind: a shape, and whether their row has ended early."""

    shape: Shape
    ended: bool = False

    def __str__(self) -> str:
        return f"{self.shape}{' at the end of a row' * self.ended}"


@final
@dataclass(frozen=True)
class Rows:
    """A search space of blocks, from an image of ``shape`` on."""

    name: str
    shape: Shape
    stages: tuple[Position, ...]

    def space(
        self, quantities: Sequence[str], peak: int | None = None, dtype: str = "", policy: str = "fused"
    ) -> Space:
        """The space with its costs; with ``peak``, of the networks whose activations take at most so many bytes.

        A network's peak is the largest of its blocks', each with what it reads. Raises
        :class:`~costmodel.errors.CostModelError` where no network has so little, and where a block cannot read what
        is made before it.
        """
        stages: list[tuple[Choice, ...]] = []
        states = {_Reached(self.shape)}
        for stage in self.stages:
            choices, too_much = [], []
            for state in sorted(states, key=str):
                for name, node, ended in self._options(stage, state):
                    costs, bytes_alive = self._costs(node, quantities, None if peak is None else (dtype, policy))
                    if peak is not None and bytes_alive > peak:
                        too_much.append(bytes_alive)
                    else:
                        choices.append(Choice(name, costs, state, _Reached(node.shape, ended)))
            if not choices and too_much:
                raise CostModelError(
                    f"{self.name}: no network has at most {peak:,} bytes of peak_memory; {stage.name} takes at least"
                    f" {min(too_much):,}"
                )
            stages.append(tuple(choices))
            states = {_Reached(*choice.after) for choice in choices}  # type: ignore[misc]
        return Space(self.name, tuple(stages), _Reached(self.shape), tuple(quantities), self.network)

    def _costs(
        self, node: Node, quantities: Sequence[str], memory: tuple[str, str] | None
    ) -> tuple[tuple[int, ...], int]:
        """What a block costs, and the most bytes that are alive in it where they are asked for."""
        if isinstance(node.layer, Input):
            return (0,) * len(quantities), 0
        part = Network(node, self.name)
        return tuple(getattr(part, quantity) for quantity in quantities), part.memory(
            *memory
        ).peak_bytes if memory else 0

    def _options(self, stage: Position, state: _Reached) -> Iterator[tuple[str, Node, bool]]:
        """What may be chosen after ``state``: its name, what it makes, and whether the row has ended with it."""
        x = _input(state.shape)
        keeps = False
        for name, block in stage.options.items() if not state.ended else ():
            node = self._made(block, x, stage.name)
            keeps |= node.shape == state.shape
            yield name, node, False
        if stage.may_skip and keeps:
            yield SKIP, x, False
        if stage.may_end:
            yield NONE, x, not stage.last

    def _made(self, block: Block, x: Node, name: str) -> Node:
        """What a block makes; whatever it raises is an error of this space."""
        with placed(self.name):
            try:
                node: object = block(x, name)
            except CostModelError:
                raise
            except Exception as error:
                raise CostModelError(f"{name}: the block raised {type(error).__name__}: {error}") from error
            if not isinstance(node, Node):
                raise CostModelError(f"{name}: the block returned {type_name(node)}; let it return a node")
            return node

    def network(self, choices: Sequence[str]) -> Network:
        """The network of ``choices``, one of each stage that has any.

        Raises :class:`~costmodel.errors.CostModelError` for a choice that there is not.
        """
        x, ended, left = _input(self.shape), False, list(choices)
        for stage in self.stages:
            if "" in stage.options:
                x = self._made(stage.options[""], x, stage.name)
                continue
            if not left:
                raise CostModelError(f"{self.name}: {len(choices)} choices are too few; {stage.name} needs one")
            name = left.pop(0)
            if name in stage.options and not ended:
                x = self._made(stage.options[name], x, stage.name)
                continue
            known = {option: after for option, _, after in self._options(stage, _Reached(x.shape, ended))}
            if name not in known:
                near = nearest(name, known)
                raise CostModelError(
                    f"{self.name}: {stage.name} has no choice {name!r} here; {near}there are {', '.join(known)}"
                )
            ended = known[name]
        if left:
            raise CostModelError(f"{self.name}: {' '.join(left)} are more choices than it has; leave them out")
        return Network(x, self.name, {"choices": " ".join(choices)})


def _input(shape: Shape) -> Node:
    return Node("input", Input(shape), (), (), shape)


def rows_of(document: Mapping[str, Any]) -> Rows:
    """The search space that ``document`` describes: a ``name``, an ``input`` and, in ``stage``, its rows.

    A row names its ``block``, a function or one of :data:`~costmodel.scaling.spaces.blocks.BLOCKS`, and the block's
    arguments. A list of values is a choice. ``repeat = 3`` puts three such blocks one after the other, each with
    choices of its own; ``repeat = [2, 4]`` from two to four. ``out`` and ``stride`` are of the first of them.
    ``skip = true``: a block may be left out where it does not change the shape. ``choices`` lists arguments that go
    together, a table a choice.

    Raises :class:`~costmodel.errors.CostModelError` for what is no such document.

    >>> rows = rows_of({"name": "tiny", "input": "3x32x32", "stage": [
    ...     {"block": "conv", "out": [8, 16], "stride": 2},
    ...     {"block": "inverted_residual", "kernel": [3, 5], "repeat": [1, 2]},
    ...     {"block": "classifier", "classes": 10},
    ... ]})
    >>> rows.space(["multiply_adds"]).networks, rows.network(["o8", "k5", "none"]).parameters
    (12, 2498)
    """
    name = str(document.get("name", "space"))
    with placed(name):
        unknown = [key for key in document if key not in ("name", "input", "stage")]
        if unknown:
            raise CostModelError(f"{unknown[0]!r} is no part of a search space; it has name, input and stage")
        given = document.get("input")
        if given is None:
            raise CostModelError('say what the networks read, as in input = "3x224x224"')
        if not isinstance(given, str) and not (isinstance(given, (list, tuple)) and len(given) > 1):
            raise CostModelError(f'input = {given!r} is no shape; write it as in input = "3x224x224"')
        shape = Shape.parse(given) if isinstance(given, str) else image(given[0], tuple(given[1:])).shape
        rows = document.get("stage")
        if not isinstance(rows, Sequence) or not rows or not all(isinstance(row, Mapping) for row in rows):
            raise CostModelError("a stage without choices has no network; list its rows in stage, a table each")
        stages = [stage for number, row in enumerate(rows, start=1) for stage in _stages(f"stage{number}", row)]
        if not any(name for stage in stages for name in stage.options):
            raise CostModelError("a space without choices is one network; give an argument a list of values")
    return Rows(name, shape, tuple(stages))


def _stages(name: str, row: Mapping[str, Any]) -> Iterator[Position]:
    """The positions of one row."""
    name = str(row.get("name", name))
    with placed(name):
        least, most = _repeats(row.get("repeat", 1))
        skip = bool(row.get("skip", False))
        for place in range(most):
            may_end = place >= least
            options = _options_of(row if place == 0 else _without(row, _OF_THE_FIRST))
            if len(options) == 1 and (skip or may_end):
                options = {label or "block": block for label, block in options.items()}
            yield Position(f"{name}.{place + 1}" if most > 1 else name, options, skip, may_end, place == most - 1)


def _without(row: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in words}


def _repeats(given: object) -> tuple[int, int]:
    """The least and the most blocks of a row."""
    several = [given, given] if not isinstance(given, Sequence) else [*given]
    if len(several) != 2:
        raise CostModelError(f"repeat={given!r} is no number of blocks; write 3, or [2, 4] for two to four")
    least, most = (positive_int(number, "repeat", 0) for number in several)
    if most < max(least, 1):
        raise CostModelError(f"repeat={given!r} has no blocks; write 3, or [2, 4] for two to four")
    return least, most


def _options_of(row: Mapping[str, Any]) -> dict[str, Block]:
    """The choices of a row: name -> the block with its arguments."""
    parts = row.get("choices", [{}])
    if not isinstance(parts, Sequence) or not all(isinstance(part, Mapping) for part in parts):
        raise CostModelError(f"choices = {parts!r} is no list of tables; write choices = [{{ kernel = 3 }}]")
    rows = [{**_without(row, ("name", "choices", "repeat", "skip")), **part} for part in parts]
    varied = [key for key in dict.fromkeys(key for one in rows for key in one) if key not in ("block", "name")]
    varied = [key for key in varied if any(key in part for part in parts) or isinstance(row.get(key), (list, tuple))]
    short = _abbreviations(varied)
    options: dict[str, Block] = {}
    for one in rows:
        block = one.pop("block", None)
        function = _function(block)
        title = one.pop("name", None)
        _check_arguments(function, one)
        lists = {key: value if isinstance(value, (list, tuple)) else [value] for key, value in one.items()}
        for values in product(*lists.values()):
            given = dict(zip(lists, values, strict=True))
            shown = [key for key in varied if key in given and (title is None or len(lists[key]) > 1)]
            label = (title or "") + "".join(f"{short[key]}{_text(given[key])}" for key in shown)
            if not label and len(parts) > 1:
                label = block if isinstance(block, str) else getattr(block, "__name__", "block")
            if label in options:
                raise CostModelError(f"two choices are called {label!r}; give each of them a name of its own")
            options[label] = partial(function, **given)
    if not options:
        raise CostModelError("a stage without choices has no network; give every list a value")
    return options


def _function(block: object) -> Callable[..., Node]:
    if isinstance(block, str) and block in BLOCKS:
        return BLOCKS[block]
    if callable(block):
        return block
    if block is None:
        raise CostModelError(f"the row has no block; there are {', '.join(BLOCKS)}, and functions of yours")
    near = nearest(block, BLOCKS) if isinstance(block, str) else ""
    shown = repr(block) if isinstance(block, str) else type_name(block)
    raise CostModelError(f"block = {shown} is no block; {near}there are {', '.join(BLOCKS)}")


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _abbreviations(words: Sequence[str]) -> dict[str, str]:
    """Each word by its first letters: as few as tell it from the others.

    >>> _abbreviations(["kernel", "expansion", "stride", "squeeze"])
    {'kernel': 'k', 'expansion': 'e', 'stride': 'st', 'squeeze': 'sq'}
    """
    return {
        word: next(
            word[:length]
            for length in range(1, len(word) + 1)
            if length == len(word) or not any(other != word and other.startswith(word[:length]) for other in words)
        )
        for word in words
    }


def _check_arguments(function: Callable[..., Node], given: Mapping[str, Any]) -> None:
    known = [*inspect.signature(function).parameters.values()][2:]
    names = [argument.name for argument in known]
    for argument in given:
        if argument not in names:
            near = nearest(argument, names)
            title = getattr(function, "__name__", "the block")
            raise CostModelError(f"{title} takes no {argument}; {near}it takes {', '.join(names) or 'nothing more'}")
    missing = [one.name for one in known if one.default is inspect.Parameter.empty and one.name not in given]
    if missing:
        raise CostModelError(f"the block needs {missing[0]}; give it a value, or a list to choose from")
