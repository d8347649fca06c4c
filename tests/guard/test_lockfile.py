"""The lock file: exact, the same everywhere, merged by git, and noticed when anything but costmodel wrote in it."""

from __future__ import annotations

import os
import subprocess
import sys
from binascii import crc32
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError, load
from costmodel.core.layers import Choices, Move
from costmodel.guard.choice_text import choices_text, parse_choices
from costmodel.guard.cost import LayerCost, ModelCost, cost_of
from costmodel.guard.lockfile import FORMAT, LockError, NewerFormatError, read, write
from costmodel.models.registry import names
from tests.guard.nets import student

SMALL = ModelCost(
    "small",
    (
        LayerCost("input", "input", (), "", "3x4x4", 0, 0),
        LayerCost("conv", "conv", (("kernel", (3, 3)), ("padding", ((0, 1), (2, 2)))), "3x4x4", "8x2x2", 864, 216),
        LayerCost("add", "add", (), "8x2x2,8x2x2", "8x2x2", 0, 0),
    ),
    ((1, "wider | stem"),),
)
TINY = ModelCost(
    "tiny", (LayerCost("input", "input", (), "", "1", 0, 0), LayerCost("fc", "linear", (), "1", "2", 2, 4))
)


def written(*models: ModelCost) -> str:
    return write(models or (TINY, SMALL))


def refused(text: str | bytes) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(LockError) as error:
        read(content)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_text_by_hand() -> None:
    def check(text: str) -> str:
        return format(crc32(text.encode()), "08x")

    add = "add | add | - | 8x2x2,8x2x2 | 8x2x2 | 0 | 0"
    conv = "conv | conv | kernel 3x3, padding 0:1x2 | 3x4x4 | 8x2x2 | 864 | 216"
    assert write([SMALL]).splitlines() == [
        "costmodel.lock format 1",
        "# What each model costs, counted exactly for one sample. Written by `costmodel lock`: edit the model, not"
        " this.",
        "# name | layer | choices | reads | makes | multiply-adds | parameters | check",
        "",
        "model | small",
        f"  input | input | - | - | 3x4x4 | 0 | 0 | {check('small |  | input | input | - | - | 3x4x4 | 0 | 0')}",
        'reason | "wider \\u007c stem"',
        f"  {conv} | {check(f'small | input | {conv}')}",
        f"  {add} | {check(f'small | conv | {add}')}",
        f"end | small | {check('small | add | end')}",
        "",
        "end of costmodel.lock",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("padding 0:1x2", ((0, 1), (2, 2))),  # where the sides of one axis differ, every axis has two
        ("padding 2x0:1", ((2, 2), (0, 1))),
        ("padding 1x1", (1, 1)),
        ("padding 0:1", ((0, 1),)),
        ("padding 3", 3),
        ("padding 007", "007"),
        ("padding 2:2", "2:2"),
        ("padding same", "same"),
        ("with padding", True),
        ("no padding", False),
        ("padding", ""),
    ],
)
def test_a_choice_is_read_as_the_value_that_it_is(text: str, value: object) -> None:
    assert parse_choices(text) == (("padding", value),)
    assert choices_text((("padding", value),)) == text


sides = st.integers(0, 99)
values = st.booleans() | sides | st.lists(sides, min_size=2, max_size=3) | st.lists(st.tuples(sides, sides), min_size=1)


@given(values)
def test_a_layer_in_a_lock_is_the_layer_that_was_counted(value: object) -> None:
    class Chosen(Move):
        def choices(self) -> Choices:
            return (("window", tuple(value) if isinstance(value, list) else value),)

    x = cm.apply(cm.image(3, 8), "chosen", Chosen("view", cm.Shape(3)))
    counted = cost_of(cm.Network(x), "m")
    assert read(write([counted]).encode())["m"].layers == counted.layers


def test_a_lock_reads_as_it_was_written() -> None:
    found = read(written().encode())
    assert list(found) == ["small", "tiny"]
    assert found["small"].layers == SMALL.layers
    assert found["small"].reasons == SMALL.reasons
    assert (found["small"].multiply_adds, found["small"].parameters) == (864, 216)
    assert (found["small"].line, found["tiny"].line) == (5, 12)
    assert read(written().replace("\n", "\r\n").encode()) == found  # a checkout on Windows
    assert read(write([]).encode()) == {}


anything = st.text(st.characters(), max_size=12) | st.sampled_from(
    ["-", "", " ", "a | b", "end", "\n", "<<<<<<<", '"', "\x1b[31m", "\ud800", "é", "reason | x", "\\u007c", "\r"]
)
layer_costs = st.builds(
    LayerCost,
    anything,
    anything,
    anything.map(parse_choices),
    st.just("3x4x4"),
    st.just("8"),
    st.integers(0),
    st.integers(0),
)


@given(st.dictionaries(anything, st.lists(layer_costs, max_size=4), max_size=3), anything)
def test_any_name_survives_and_the_text_is_plain_ascii(models: dict[str, list[LayerCost]], reason: str) -> None:
    costs = [
        ModelCost(name, tuple(layers), ((0, reason),) if layers and reason else ()) for name, layers in models.items()
    ]
    text = write(costs)
    assert text.isascii()
    assert all(line.isprintable() for line in text.split("\n"))
    found = read(text.encode())
    assert {name: (cost.layers, cost.reasons) for name, cost in found.items()} == {
        cost.name: (cost.layers, cost.reasons) for cost in costs
    }


def test_models_are_sorted_and_their_order_does_not_matter() -> None:
    assert write([SMALL, TINY]) == write([TINY, SMALL])


def test_a_lock_holds_what_the_network_costs() -> None:
    network = load("mobilenet_v2")
    found = read(write([cost_of(network, "m")]).encode())["m"]
    # Table 2 of torchvision's documentation: 0.3 GFLOPs in its sense, 3,504,872 parameters.
    assert (found.multiply_adds, found.parameters) == (300_774_272, 3_504_872)
    assert len(found.layers) == len(network.nodes)


#: A format -> the SHA-256 of the lock of all architectures that come with costmodel.
WHOLE_ZOO = {1: "7416b78eea1d17eb9013b35c5dd8b618b537de9fbb0649747c8a0183a25852d4"}


def test_the_lock_of_every_architecture_is_what_it_was() -> None:
    text = write([cost_of(load(name), name) for name in names()])
    digest = sha256(text.encode()).hexdigest()
    assert WHOLE_ZOO.get(FORMAT) == digest, (
        "every lock that users have committed would be stale: undo what changed the counts, the kinds or the words of"
        " choices(); or, if it is meant, raise FORMAT and put the new digest here. A new architecture alone changes"
        f" the digest too, and only it: {digest}"
    )


def test_the_hash_seed_does_not_matter() -> None:
    script = (
        "from costmodel import load; from costmodel.guard.cost import cost_of;"
        "from costmodel.guard.lockfile import write;"
        "print(write([cost_of(load(name), name) for name in ('googlenet', 'mobilenet_v3_large')]), end='')"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(texts) == 1
    assert len(texts.pop()) > 10_000


# --- what else than costmodel may have done to it -------------------------------------------------------------------


def test_a_lock_cut_off_at_any_byte_is_noticed() -> None:
    text = written()
    for end in range(len(text)):
        message = refused(text[:end])
        line = text[:end].count("\n") + 1 if not text[:end].endswith("\n") else text[:end].count("\n")
        assert message.startswith(f"costmodel.lock:{max(line, 1)}: the file ends here, before its last line"), (
            end,
            message,
        )
        assert message.endswith("it was cut off; run `costmodel lock --update`")


def test_an_edit_of_any_field_is_noticed_at_its_line() -> None:
    lines = written().splitlines()
    edited = 0
    for number, line in enumerate(lines, start=1):
        if line in ("", "end of costmodel.lock") or line.startswith("reason"):
            continue
        fields = line.split(" | ")
        for place, field in enumerate(fields):
            for other in {"7", f"{field}0", field[:-1], "x"} - {field}:
                changed = [*fields[:place], other, *fields[place + 1 :]]
                text = "\n".join([*lines[: number - 1], " | ".join(changed), *lines[number:], ""])
                message = refused(text)
                # The name of a model is in the checks of its lines: there, the first of them is the one that is wrong.
                at = number + 1 if line.startswith("model | ") and place == 1 else number
                assert message.startswith(f"costmodel.lock:{at}: "), (line, other, message)
                assert "`costmodel lock --update`" in message or "pip install" in message
                edited += 1
    assert edited > 150


def test_a_line_that_is_missing_moved_or_doubled_is_noticed() -> None:
    lines = written().splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("  ") or lines[number + 1].startswith("reason"):
            continue  # a reason has no check: people may write one above any layer
        for changed in (
            [*lines[:number], *lines[number + 1 :]],
            [*lines[:number], line, *lines[number:]],
            [*lines[:number], lines[number + 1], line, *lines[number + 2 :]],
        ):
            assert refused("\n".join([*changed, ""])).startswith("costmodel.lock:")


def test_a_section_under_another_name_or_twice_is_noticed() -> None:
    lines = write([TINY]).splitlines()
    twice = [*lines[:-1], *lines[4:]]
    assert refused("\n".join([*twice, ""])) == (
        "costmodel.lock:10: the section of line 5 has the same name; run `costmodel lock --update` to count anew"
    )
    renamed = write([TINY]).replace("| tiny", "| tinier")
    assert refused(renamed).startswith("costmodel.lock:6: this line, or one just before it, was edited, moved or")
    assert refused(write([TINY]) + "more\n").startswith("costmodel.lock:11: nothing may follow")


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "||||||| 1234567", "=======", ">>>>>>> branch"])
@pytest.mark.parametrize("place", [0, 3, 6, 10])
def test_a_merge_conflict_is_named(marker: str, place: int) -> None:
    lines = written().split("\n")
    text = "\n".join([*lines[:place], marker, *lines[place:]])
    assert refused(text) == (
        f"costmodel.lock:{place + 1}: a merge conflict was left here; resolve it, or run `costmodel lock --update` to"
        " count anew"
    )


def test_another_version_is_told_apart() -> None:
    text = written()
    with pytest.raises(NewerFormatError) as newer:
        read(text.replace("format 1", "format 2").encode())
    assert str(newer.value) == (
        "costmodel.lock:1: format 2 is newer than format 1, which this costmodel reads;"
        " run `pip install --upgrade nn-costmodel`"
    )
    assert refused(text.replace("format 1", "format 0")) == (
        "costmodel.lock:1: format 0 is older than format 1; run `costmodel lock --update` to write it anew"
    )
    assert refused("{}\n") == (
        "costmodel.lock:1: this is not a lock file, which begins with 'costmodel.lock format 1';"
        " run `costmodel lock --update` to write one"
    )


@given(st.binary(max_size=200), st.integers(0, 10**6), st.integers(0, 20))
def test_whatever_is_in_the_file_ends_in_one_line(noise: bytes, start: int, length: int) -> None:
    text = written().encode()
    start %= len(text)
    for content in (noise, text[:start] + noise + text[start + length :]):
        try:
            read(content)
        except CostModelError as error:
            assert "\n" not in str(error)


# --- merges ---------------------------------------------------------------------------------------------------------


def merged(folder: Path, base: str, ours: str, theirs: str) -> tuple[int, str]:
    """What ``git merge`` makes of two changes of one file, and the number of conflicts."""
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_text(text)
    ran = subprocess.run(
        ["git", "merge-file", "-p", "ours", "base", "theirs"], cwd=folder, capture_output=True, text=True
    )
    return ran.returncode, ran.stdout


def lock(first: ModelCost, second: ModelCost) -> str:
    return write([first, second])


def test_changes_of_two_models_merge_without_a_conflict(tmp_path: Path) -> None:
    plain, wide = (cost_of(student(hidden=hidden), "a") for hidden in (48, 64))
    other, longer = (cost_of(student(blocks=blocks), "b") for blocks in (3, 4))
    result = merged(tmp_path, lock(plain, other), lock(wide, other), lock(plain, longer))
    assert result == (0, lock(wide, longer))


def test_changes_of_two_parts_of_one_model_merge_to_the_lock_of_both(tmp_path: Path) -> None:
    def text(hidden: int, classes: int) -> str:
        model = load("mobilenet_v2", num_classes=classes)
        body = cost_of(student(hidden=hidden), "m").layers
        # One model: the student's layers, and far from them another classifier.
        return write([ModelCost("m", (*body, *cost_of(model, "m").layers))])

    result = merged(tmp_path, text(48, 1000), text(64, 1000), text(48, 10))
    assert result == (0, text(64, 10))
    read(result[1].encode())


def test_a_change_of_one_layer_is_a_small_diff() -> None:
    before, after = (write([cost_of(student(hidden=hidden), "m")]).splitlines() for hidden in (48, 64))
    assert sum(mine != theirs for mine, theirs in zip(before, after, strict=True)) == 3  # expand, depthwise, project


@pytest.mark.parametrize("name", ["googlenet", "densenet121", "efficientnet_b0", "mobilenet_v3_large", "vgg16:bn"])
def test_the_lines_add_up_to_the_network(name: str) -> None:
    network = load(name)
    cost = cost_of(network, name)
    assert (cost.multiply_adds, cost.parameters) == (network.multiply_adds, network.parameters)
