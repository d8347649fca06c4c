"""Search spaces of rows: their costs, states and networks are those of the blocks, put together one by one."""

from __future__ import annotations

import csv
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import costmodel as cm
from costmodel.core.graph import Node
from costmodel.core.layers import RELU, conv
from costmodel.models.blocks import conv_bn
from costmodel.scaling.spaces.nas_bench_201 import network as cell_network
from costmodel.scaling.spaces.space import Choice, Space
from tests.cli_runner import refusal, run

HEAD = {"block": "classifier", "classes": 10}

#: What is printed of search spaces, each number with its source.
ROWS = [*csv.DictReader(StringIO((files("costmodel.published") / "search_spaces.csv").read_text()))]


def space_of(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "small", "input": "3x32x32", "stage": list(rows), **more}


SPACES = {
    "widths": space_of({"block": "conv", "out": [8, 16, 24], "stride": 2}, {"block": "conv", "out": [8, 16]}, HEAD),
    "depth": space_of(
        {"block": "conv", "out": [8, 16], "stride": 2},
        {"block": "inverted_residual", "kernel": [3, 5], "expansion": [3, 6], "repeat": [0, 2]},
        HEAD,
    ),
    "depth and width": space_of(
        {"block": "bottleneck", "out": [16, 32], "ratio": [0.25, 0.5], "stride": 2, "repeat": [1, 3]},
        {"block": "separable", "out": [16, 24], "kernel": [3, 5]},
        HEAD,
    ),
    "skip": space_of(
        {"block": "conv", "out": 8},
        {"block": "inverted_residual", "out": [8, 16], "skip": True},
        {"block": "conv", "skip": True},
        {"block": "conv", "stride": 2, "skip": True},
        HEAD,
    ),
    "choices": space_of(
        {
            "block": "conv",
            "out": 8,
            "choices": [{"kernel": 3, "groups": 1}, {"kernel": [5, 7], "name": "large"}, {"block": "separable"}],
        },
        HEAD,
    ),
}


NETWORKS = {
    "widths": 3 * 2,
    "depth": 2 * (1 + 4 + 4**2),
    "depth and width": 2 * (2 + 2**2 + 2**3) * 2 * 2,
    # The last convolution halves the map: it cannot be left out.
    "skip": 3 * 2 * 1,
    "choices": 4,
}


def walks(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """All choices that a network can be built of, found by trying every product of names."""
    space = cm.space(document)
    names = [dict.fromkeys(choice.name for choice in stage) for stage in space.stages]
    for choices in itertools.product(*[stage for stage in names if "" not in stage]):
        try:
            space.network(choices)
        except cm.CostModelError as refused:
            assert "has no choice" in str(refused)
            continue
        yield choices


@pytest.mark.parametrize("name", list(SPACES))
@pytest.mark.parametrize("quantity", ["multiply_adds", "parameters"])
def test_the_histogram_is_that_of_all_networks_built_one_by_one(name: str, quantity: str) -> None:
    space = cm.space(SPACES[name], quantity)
    costs = Counter(getattr(space.network(choices), quantity) for choices in walks(SPACES[name]))
    histogram = space.histogram()
    assert dict(zip(histogram.costs.tolist(), histogram.numbers.tolist(), strict=True)) == costs
    assert sum(costs.values()) == space.networks == NETWORKS[name]


@pytest.mark.parametrize("name", list(SPACES))
def test_the_memory_of_a_network_is_that_of_its_largest_block(name: str) -> None:
    peaks = [cm.space(SPACES[name]).network(choices).memory("int8").peak_bytes for choices in walks(SPACES[name])]
    for limit in sorted({*peaks}):
        space = cm.space(SPACES[name], peak_memory=f"{limit} bytes at int8")
        assert space.networks == sum(peak <= limit for peak in peaks)


def test_a_repeated_row_has_its_width_and_stride_in_its_first_block() -> None:
    space = cm.space(space_of({"block": "conv", "out": [8, 16], "stride": 2, "repeat": 3}, HEAD))
    assert space.networks == 2
    shapes = [str(node.shape) for node in space.network(["o16"]).nodes if node.kind == "conv"]
    assert shapes == ["16x16x16"] * 3


def test_choices_are_called_by_the_first_letters_of_what_varies() -> None:
    space = cm.space(space_of({"block": "inverted_residual", "kernel": [3, 5], "squeeze_excite": [False, True]}, HEAD))
    assert {choice.name for choice in space.stages[0]} == {"k3s0", "k3s1", "k5s0", "k5s1"}
    named = [choice.name for choice in cm.space(SPACES["choices"]).stages[0]]
    assert named == ["k3g1", "largek5", "largek7", "separable"]


def test_a_space_of_ones_own_from_a_file_and_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\ninput = "3x32x32"\nstage = [\n'
        '  { block = "conv", out = [8, 16], stride = 2 },\n'
        '  { block = "inverted_residual", kernel = [3, 5], repeat = [1, 2] },\n'
        '  { block = "classifier", classes = 10 },\n]\n'
    )
    (tmp_path / "own_spaces.py").write_text(
        "from tests.scaling.test_space_rows import tower\n\n\n"
        'SPACE = {"name": "own", "input": "3x32x32", "stage": [{"block": tower, "depth": [1, 2, 3]}]}\n'
    )
    monkeypatch.chdir(tmp_path)
    answer = json.loads(run("space", "own.toml", "--format", "json").out)
    assert (answer["space"], answer["networks"]) == ("own", 12)
    assert cm.space("own_spaces:SPACE").networks == 3
    deep = cm.space("own_spaces:SPACE").network(["d3"])
    assert deep.multiply_adds == (3 + 8 + 8) * 8 * 9 * 32 * 32


def tower(x: Node, name: str, depth: int) -> Node:
    for place in range(depth):
        x = conv_bn(x, f"{name}.{place}", conv(8, 3, padding=1), RELU)
    return x


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (space_of({"block": "conv", "out": [8, 16]}, HEAD, {"block": "conv"}), "needs an input with 2 spatial sizes"),
        (space_of({"block": "conv", "out": []}), "stage1: a stage without choices"),
        (space_of({"block": "conv", "out": 8}), "a space without choices is one network"),
        (space_of({"block": "convv", "out": [8]}), "did you mean conv"),
        (space_of({"block": 7}), "block = an int is no block"),
        (space_of({"out": [8]}), "the row has no block"),
        (space_of({"block": "conv", "outt": [8]}), "did you mean out"),
        (space_of({"block": tower}), "the block needs depth"),
        (space_of({"block": "conv", "out": [8, 9], "repeat": [4, 2]}), "repeat=\\[4, 2\\] has no blocks"),
        (space_of({"block": "conv", "out": [8, 9], "repeat": "x"}), "is no number of blocks"),
        (space_of({"block": "conv", "choices": 3}), "is no list of tables"),
        (space_of({"block": "conv", "choices": [{"kernel": 3}, {"kernel": 3}]}), "two choices are called 'k3'"),
        (space_of({"block": "conv", "kernel": ["a", 3]}), "the block raised TypeError"),
        (space_of({"block": lambda x, name, k: k, "k": [1, 2]}), "the block returned an int"),
        (space_of({"block": "conv", "activation": ["rely", "relu"]}), "did you mean relu"),
        (space_of({"block": "inverted_residual", "expansion": [0, 3]}), "must be above 0"),
        (space_of({"block": "conv", "out": [8, 16]}, input=3), "input = 3 is no shape"),
        (space_of({"block": "conv", "out": [8, 16]}, inputs="3x32x32"), "'inputs' is no part"),
        ({"stage": [{"block": "conv", "out": [8, 16]}]}, "say what the networks read"),
        ({"input": "3x32x32", "stage": 3}, "list its rows in stage"),
        (3, "an int is no search space"),
    ],
)
def test_what_is_no_space_is_refused_with_the_place_and_the_rule(document: Any, rule: str) -> None:
    with pytest.raises(cm.CostModelError, match=rule):
        cm.space(document)


@pytest.mark.parametrize(
    ("choices", "rule"),
    [
        (("o8",), "1 choices are too few; stage2.1 needs one"),
        (("o8", "k4", "none"), "stage2.1 has no choice 'k4'"),
        (("o8", "none", "k3e3"), "stage2.2 has no choice 'k3e3' here"),
        (("o8", "none", "none", "none"), "none are more choices than it has"),
    ],
)
def test_choices_that_are_not_of_the_space_are_refused(choices: tuple[str, ...], rule: str) -> None:
    with pytest.raises(cm.CostModelError, match=rule):
        cm.space(SPACES["depth"]).network(choices)


def test_a_file_that_is_no_toml_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.toml").write_text("stage = [")
    monkeypatch.chdir(tmp_path)
    assert "bad.toml cannot be read" in refusal("space", "bad.toml")


#: FBNet-B, layer by layer (arXiv:1812.03443, facebookresearch/mobile-vision).
FBNET_B = (
    "k3_e1 k3_e6 k5_e1 k3_e1 k3_e1 k5_e6 k5_e3 k3_e6 k5_e6 k5_e6 k5_e1 skip"
    " k5_e3 k5_e6 k3_e1 k5_e1 k5_e3 k5_e6 k5_e1 k5_e6 k5_e6 k3_e6"
)


def test_fbnet_b_has_the_weights_that_others_counted_by_hand() -> None:
    """JunrQ/NAS#19: a row a layer, without batch norm; the block that is skipped has none."""
    printed = [
        432, 656, 4704, 1752, 1368, 1368, 11664, 8544, 14016, 17088, 23232, 9792, 29376, 77184, 26096, 27888, 83664,
        215712, 72312, 433872, 433872, 601680, 529408,
    ]  # fmt: skip
    weights: Counter[str] = Counter()
    for entry in cm.space("fbnet").network(FBNET_B.split()).ledger:
        place = ".".join(part for part in entry.name.split(".") if part.removeprefix("stage").isdigit())
        weights[place] += entry.params.weight
    del weights[""]  # the classifier, which the issue has no row of
    assert [*weights.values()] == printed


def test_a_cell_costs_what_the_benchmark_prints() -> None:
    """D-X-Y/NATS-Bench#36, CIFAR-10, hp=12: 113.95137 M, with the bias of the classifier, and 0.802426 M."""
    network = cell_network(("skip_connect", "none", "nor_conv_3x3", "avg_pool_3x3", "nor_conv_3x3", "nor_conv_3x3"))
    assert (network.multiply_adds + 10, network.parameters) == (113_951_370, 802_426)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['space'][:16]} {row['quantity'][:8]}")
def test_a_published_number_is_that_of_its_space(row: dict[str, str]) -> None:
    match row["quantity"], row["value"]:
        case "multiply-adds + classifier bias, CIFAR-10 / CIFAR-100 / ImageNet16-120", printed:
            cell = ("avg_pool_3x3", "nor_conv_1x1", "skip_connect", "nor_conv_1x1", "skip_connect", "skip_connect")
            sizes = ((32, 10), (32, 100), (16, 120))
            counts = [cell_network(cell, size, classes).multiply_adds + classes for size, classes in sizes]
            assert " / ".join(map(str, counts)) == printed
        case "cells", printed:
            assert str(cm.space("nas_bench_201").networks) == printed
        case "networks", "21758655492572485851 = 7371^5":
            assert cm.space("once_for_all_mobilenet_v3").networks == 21758655492572485851 == 7371**5
        case "networks", "about 10^21 of about 250 blocks":
            # The number of blocks is of its own tables of measured blocks, and not reproduced.
            assert f"{cm.space('fbnet').networks:.0e}" == "1e+21"
        case other:
            raise AssertionError(other)


def test_a_space_with_too_many_costs_is_refused_and_counted_in_bins() -> None:
    """Thirty stages whose costs have nothing in common."""
    costs = [[(17 * stage + 1) ** 5 * 7**choice % (10**9 + 7) for choice in range(8)] for stage in range(30)]
    space = Space("huge", tuple(tuple(Choice(str(cost), (cost,)) for cost in stage) for stage in costs))
    assert space.networks == 8**30
    low, high = space.quantile_between(0.5, 10**6)
    fit = space.between({"multiply_adds": high}, {"multiply_adds": 10**6})
    assert fit.low >= 8**30 // 2 * 0.99
    assert low < high < low + 40 * 10**6
    (drawn,) = space.sample(1, seed=1, most=low, width=10**6)
    assert sum(map(int, drawn)) <= low
