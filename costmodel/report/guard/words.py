"""What changed, in words and figures: shared by every format."""

from __future__ import annotations

from costmodel.guard.choice_text import COUNTED, value_text
from costmodel.guard.cost import ByteCost, LayerCost
from costmodel.guard.diff import Cause, Difference, LayerChange, channels, renaming
from costmodel.quantities import precision
from costmodel.report.guard.safe import plain
from costmodel.report.units import si

_ARROW = "->"


def gain(delta: int, before: int | None = None) -> str:
    """A difference with its sign, and in percent of what was before.

    >>> gain(41_200_000, 300_774_272), gain(-12), gain(0)
    ('+41.2 M (+13.7 %)', '-12', '0')
    """
    sign = "+" if delta > 0 else "-" if delta < 0 else ""
    amount = f"{sign}{si(abs(delta))}"
    if not before or not delta:
        return amount
    # In integers, so that a figure of any size is rounded right; half a tenth goes up.
    tenths = (2000 * abs(delta) + before) // (2 * before)
    return f"{amount} ({sign}{tenths // 10:,}.{tenths % 10} %)" if tenths else f"{amount} ({sign}<0.1 %)"


def total(difference: Difference) -> str:
    """What a model costs now and how that differs, in a line; or that it is new or gone."""
    old, new = difference.old, difference.new
    if old is None and new is not None:
        taken = f"; {bytes_text(new.bytes)}" if new.bytes else ""
        return f"new: {new.multiply_adds:,} multiply-adds, {new.parameters:,} parameters{taken}"
    if new is None and old is not None:
        return f"gone: had {old.multiply_adds:,} multiply-adds, {old.parameters:,} parameters"
    assert old is not None
    assert new is not None
    return (
        f"{new.multiply_adds:,} multiply-adds, {gain(difference.multiply_adds, old.multiply_adds)};"
        f" {new.parameters:,} parameters, {gain(difference.parameters, old.parameters)}"
    )


def bytes_lines(difference: Difference) -> list[str]:
    """What became of the bytes of a model, a line each, names as they are; none where nothing did.

    >>> from costmodel.guard.cost import ByteCost, ModelCost
    >>> old, new = ModelCost("m", (), bytes=ByteCost("int8", 1000, "a", 50)), ModelCost("m", ())
    >>> bytes_lines(Difference(old, ModelCost("m", (), bytes=ByteCost("int8", 1200, "b", 50))))
    ['peak memory at int8: 1,000 -> 1,200 bytes, +200 (+20.0 %), at b']
    >>> bytes_lines(Difference(new, old)), bytes_lines(Difference(old, new))
    (['new: peak memory 1,000 bytes, size 50 bytes at int8'], ['gone: peak memory 1,000 bytes, size 50 bytes at int8'])
    """
    old, new = (cost and cost.bytes for cost in (difference.old, difference.new))
    if difference.old is None or difference.new is None or old == new:
        return []
    if old is None or new is None or old.dtype != new.dtype:
        return [f"gone: {bytes_text(old)}"] * bool(old) + [f"new: {bytes_text(new)}"] * bool(new)
    at = f" at {precision(new.dtype)}"
    lines = []
    if old[1:3] != new[1:3]:
        lines.append(f"peak memory{at}: {_became(old.peak_memory, new.peak_memory)}, at {new.at}")
    if old.size != new.size:
        lines.append(f"size{at}: {_became(old.size, new.size)}")
    return lines


def _became(old: int, new: int) -> str:
    return f"{old:,} -> {new:,} bytes, {gain(new - old, old)}" if old != new else f"{new:,} bytes"


def bytes_text(taken: ByteCost | None) -> str:
    """The bytes of a model; empty where they are not known.

    >>> bytes_text(ByteCost("float32", 1000, "a", 50))
    'peak memory 1,000 bytes, size 50 bytes at fp32'
    """
    if taken is None:
        return ""
    return f"peak memory {taken.peak_memory:,} bytes, size {taken.size:,} bytes at {precision(taken.dtype)}"


def costs(change: Cause | LayerChange, difference: Difference) -> str:
    """What a change costs: multiply-adds, in percent of the model's, and parameters where they change.

    It says so where there is neither.
    """
    before = difference.old.multiply_adds if difference.old else None
    stored = difference.old.parameters if difference.old else None
    if not change.multiply_adds and not change.parameters:
        return "no change in cost"
    if not change.multiply_adds:
        return f"{gain(change.parameters, stored)} parameters"
    parameters = f", {gain(change.parameters)} parameters" if change.parameters else ""
    return f"{gain(change.multiply_adds, before)}{parameters}"


def subject(cause: Cause) -> str:
    """The layer to blame: its name, unescaped. A run of layers has the name of what they are in."""
    layers = [(change.old or change.layer).name for change in cause.own]
    if cause.kind == "renamed":
        return renaming(cause.own[0])[0]
    if len(layers) == 1:
        return layers[0]
    parts = [name.split(".") for name in layers]
    shared = []
    for column in zip(*parts, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return ".".join(shared) or layers[0]


def what(cause: Cause) -> str:
    """What became of the layer to blame: ``384 -> 512 channels``, ``removed (9 layers)``.

    Of foreign text, what is in it is made plain.
    """
    count = f" ({len(cause.own)} layers)" if len(cause.own) > 1 else ""
    if cause.kind == "renamed":
        return f"renamed to {plain(renaming(cause.own[0])[1])}{count}"
    if cause.kind != "changed":
        return f"{cause.kind}{count}"
    old, new = cause.own[0].old, cause.own[0].new
    assert old is not None
    assert new is not None
    renamed = [f"renamed to {plain(new.name)}"] if old.name != new.name else []
    return ", ".join([*renamed, *changed(old, new)])


def changed(old: LayerCost, new: LayerCost) -> list[str]:
    """What differs between two layers, the choices of their author first.

    >>> old = LayerCost("a", "conv", (("stride", (1, 1)), ("bias", False)), "64x7x7", "384x7x7", 1, 1)
    >>> changed(old, old._replace(makes="512x7x7"))
    ['384 -> 512 channels']
    >>> changed(old, old._replace(choices=(("stride", (2, 2)), ("bias", True)), makes="384x4x4"))
    ['stride 1x1 -> 2x2', 'bias no -> with']
    >>> norm = LayerCost("n", "batch_norm", (), "8x7x7", "8x7x7", 0, 16)
    >>> changed(norm, norm._replace(choices=(("affine", False),), parameters=0))
    ['affine with -> no']
    """
    if old.kind == new.kind == "input":
        return [f"{old.makes} {_ARROW} {new.makes}"]
    changes = []
    if old.kind != new.kind:
        changes.append(f"{_kind(old)} {_ARROW} {_kind(new)}")
    if old.kind.endswith("conv") and new.kind.endswith("conv") and channels(old.makes) != channels(new.makes):
        changes.append(f"{channels(old.makes)} {_ARROW} {channels(new.makes)} channels")
    if old.kind == new.kind or old.kind.endswith("conv"):
        changes += _choices(old, new)
    if not changes and old.reads != new.reads:
        changes.append(f"reads {old.reads.replace(',', ' and ')} {_ARROW} {new.reads.replace(',', ' and ')}")
    if not changes and old.makes != new.makes:
        changes.append(f"makes {old.makes} {_ARROW} {new.makes}")
    # The same layer by all that is known of it: then it is counted otherwise.
    return changes or ["counted otherwise"]


def _kind(layer: LayerCost) -> str:
    return plain(layer.kind.replace("_", " "))


def _choices(old: LayerCost, new: LayerCost) -> list[str]:
    if old.choices == new.choices:
        return []
    olds, news = ({name: value_text(value) or name for name, value in layer.choices} for layer in (old, new))
    if old.kind.startswith("depthwise") or new.kind.startswith("depthwise"):
        # As many groups as channels, which are said already.
        olds.pop("groups", None)
        news.pop("groups", None)
    changes = []
    for name in {**olds, **news}:
        before, after = olds.get(name, _unsaid(news.get(name, ""))), news.get(name, _unsaid(olds.get(name, "")))
        if before != after:
            words = f"{before} {_ARROW} {after} {name}" if name in COUNTED else f"{name} {before} {_ARROW} {after}"
            changes.append(plain(words))
    return changes


def _unsaid(other: str) -> str:
    """What a choice is where it is not stated, from what it is where it is."""
    return {"no": "with", "with": "no"}.get(other, "1")
