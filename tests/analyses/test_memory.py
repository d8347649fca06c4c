"""Peak memory: the printed figures, a run that allocates and frees for real, and what is refused."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

import costmodel as cm
from costmodel import CostModelError, Network, Node, Shape, apply, image
from costmodel.analyses.lifetimes import Buffer, Lifetimes, run_order
from costmodel.analyses.memory import value_size
from costmodel.analyses.policies import POLICIES, first_gaps
from costmodel.core import layers
from costmodel.core.counts import Params
from costmodel.core.graph import Value
from costmodel.core.layers import Alias
from costmodel.published.tables import paper_table
from tests.analyses import heap
from tests.cli_runner import refusal, run
from tests.networks import Description, descriptions, network_of

#: What memory_peaks.csv calls a policy -> ours; the last row of the file is a measurement of an engine with its code.
CALLED = {
    "every tensor kept apart: each operation of the graph has an output of its own": "separate",
    "batch norm and activation fused into the convolution before them": "fused",
    "fused, and a depthwise convolution writes over its input (one channel at a time)": "in-place",
    "mcunet utils rule: fused; at a depthwise layer input + output + the block input, also at stride 2": "mcunet",
    "fused, and the addition writes over one of its inputs": "in-place",
    "fused": "fused",
}
PEAKS = [row for row in paper_table("memory_peaks") if row.policy in CALLED]


@pytest.mark.parametrize("row", PEAKS, ids=lambda row: f"{row.network}-{CALLED[row.policy]}")
def test_every_peak_of_the_published_table_is_exact(row: Any) -> None:
    given = {"resolution": row.resolution} | ({"alpha": float(row.alpha)} if row.alpha else {})
    found = cm.load(row.network, **given).memory({1: "int8", 4: "fp32"}[row.bytes_per_value], CALLED[row.policy])
    assert found.peak_bytes == row.peak_bytes
    assert sum(value.bytes for value in found.live) == row.peak_bytes


def test_the_published_table_has_one_row_that_is_a_measurement_with_code() -> None:
    (other,) = [row for row in paper_table("memory_peaks") if row.policy not in CALLED]
    assert other.peak_bytes is None
    assert other.printed == "308 kB"
    assert len(PEAKS) == 6


# --- against a run that allocates and frees --------------------------------------------------------------------------

DTYPES = ("float32", "float16", "int64", "bool", "int4")


def bytes_of(value: Value) -> int:
    bits = {"float32": 32, "float16": 16, "int64": 64, "bool": 8, "int4": 4, "int8": 8}[value.dtype]
    return (value.shape.elements * bits + 7) // 8


@st.composite
def graphs(draw: st.DrawFn, most: int = 12, writes: bool = True) -> Network:
    """Nodes that read any earlier ones: views, writes, several values, stored tensors, several inputs and outputs."""
    shapes = st.builds(lambda channels, side: Shape(channels, (side,)), st.integers(1, 9), st.integers(1, 9))
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 2))):
        shape = draw(shapes)
        nodes.append(Node(f"input{number}", layers.Input(shape), (), (), shape, draw(st.sampled_from(DTYPES))))
    for number in range(draw(st.integers(1, most))):
        shape = draw(shapes)
        if draw(st.integers(0, 5)) == 0:
            nodes.append(Node(f"table{number}", layers.Stored(shape, Params(weight=1)), (), (), shape))
            continue
        reads = tuple(draw(st.lists(st.sampled_from(nodes[-4:] + nodes), min_size=1, max_size=3)))
        slots = tuple(draw(st.integers(0, len(read.others))) for read in reads)
        aliases = st.none() | st.builds(
            Alias, st.integers(0, len(reads) - 1), st.booleans() if writes else st.just(False)
        )
        values = st.builds(Value, shapes, st.sampled_from(DTYPES), aliases)
        others = tuple(draw(st.lists(values, max_size=2)))
        kind = layers.Move(f"step{number}", shape)
        seen = tuple(read.values[slot].shape for read, slot in zip(reads, slots, strict=True))
        dtype = draw(st.sampled_from(DTYPES))
        nodes.append(Node(f"step{number}", kind, reads, seen, shape, dtype, draw(aliases), others=others, slots=slots))
    ends = nodes if draw(st.booleans()) else nodes[-2:]
    if not draw(st.booleans()):
        return Network(nodes[-1] if isinstance(nodes[-1].layer, layers.Move) else apply(nodes[-1], "end", layers.RELU))
    shapes_read = tuple(node.shape for node in ends)
    return Network(Node("outputs", layers.Outputs(), tuple(ends), shapes_read, shapes_read[0], alias=Alias()))


@given(graphs())
def test_the_peak_is_that_of_a_run_that_allocates_and_frees(network: Network) -> None:
    assume(network.memory().plan.lives.steps)
    assert network.memory(policy="separate").peak_bytes == heap.peak(network, bytes_of)


@given(descriptions(), st.sampled_from(["separate", "fused", "in-place"]))
def test_every_policy_is_that_of_a_run_that_shares_memory_as_it_says(described: Description, policy: str) -> None:
    network = network_of(described)
    ran = heap.peak(network, bytes_of, fused=policy != "separate", in_place=policy == "in-place")
    assert network.memory("", policy).peak_bytes == ran


@given(graphs())
def test_rows_follow_one_another(network: Network) -> None:
    assume(network.memory().plan.lives.steps)
    rows = network.memory(policy="separate").rows
    assert all(row.live == row.before + row.made for row in rows)
    assert all(one.live - one.freed == two.before for one, two in pairwise(rows))


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(-1, 8), st.integers(0, 4)), min_size=1, max_size=12))
def test_the_arena_puts_each_buffer_at_the_lowest_place_that_is_free_while_it_lives(
    asked: list[tuple[int, int, int]],
) -> None:
    buffers = [(16 * size, first, first + more) for size, first, more in asked]
    shape, node = Shape(1), image(1, 1)
    held = Lifetimes(
        [None] * 14,  # type: ignore[list-item]
        [Buffer(node, 0, shape, "int8", size) for size, _, _ in buffers],
        [first for _, first, _ in buffers],
        [last for _, _, last in buffers],
    )
    taken: dict[int, tuple[int, int, int, int]] = {}
    for number in sorted(range(len(buffers)), key=lambda place: (buffers[place][0], place), reverse=True):
        size, first, last = buffers[number]
        start = 0
        while any(
            start < end and begin < start + size and begun <= last and first <= ended
            for begin, end, begun, ended in taken.values()
        ):
            start += 16
        taken[number] = start, start + size, first, last
    assert first_gaps(held) == [taken[number][0] for number in range(len(buffers))]


def test_an_arena_is_no_smaller_than_what_is_alive_and_aligned() -> None:
    x = apply(image(3, 5), "conv", layers.conv(5, kernel=3))  # 75 bytes, and 45 for what it makes
    found = Network(apply(x, "relu", layers.RELU)).memory("int8", "arena")
    assert (found.peak_bytes, found.rows[0].live) == (80 + 48, 128)


# --- captured modules ------------------------------------------------------------------------------------------------


class Branches(nn.Module):
    """The first branch that runs is the second that the sum reads."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.thin = nn.Conv2d(4, 64, 1), nn.Conv2d(64, 4, 1)
        self.other = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        one = self.other(x)
        return self.thin(self.wide(x)) + one


def test_a_captured_module_runs_in_the_order_of_its_calls() -> None:
    network = cm.from_torch(Branches(), (4, 8, 8))
    assert [node.name for node in run_order(network)][1:4] == ["other", "wide", "thin"]
    assert [node.name for node in network.nodes][1:3] == ["wide", "thin"]
    value = 4 * 64 * 4
    assert network.memory().peak_bytes == value + 16 * value + value  # one, wide, and the input or the output


@pytest.mark.parametrize("inplace", [False, True])
def test_an_operator_in_place_makes_no_value(inplace: bool) -> None:
    network = cm.from_torch(nn.Sequential(nn.AvgPool2d(1), nn.ReLU(inplace)), (2, 4, 4))
    rows = network.memory(policy="separate").rows
    assert [row.made for row in rows] == [128, 0 if inplace else 128]


class HeldByView(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        part = y[:, :1]
        return part + torch.exp(y[:, 1:2]) + x.sum()


def test_a_view_keeps_the_whole_of_what_it_views() -> None:
    rows = cm.from_torch(HeldByView(), (4, 8)).memory(policy="separate").rows
    assert [row.made for row in rows] == [128, 32, 32, 4, 32]
    # The product is freed with the first sum, not with the view that was read before.
    assert [row.freed for row in rows] == [0, 0, 160, 128, 36]


class Indices(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 6)

    def forward(self, words: Tensor) -> Tensor:
        return self.table(words) * (words > 0).unsqueeze(-1)


def test_dtype_takes_the_place_of_floating_points_alone() -> None:
    network = cm.from_torch(Indices(), "5:int64")
    for dtype, each in (("", 4), ("int8", 1), ("fp16", 2)):
        rows = network.memory(dtype, "separate").rows
        assert rows[0].before == 5 * 8
        assert sorted(row.made for row in rows) == sorted([30 * each, 5, 30 * each])
        assert network.memory(dtype).weights_bytes == 60 * each


# --- what is asked and answered --------------------------------------------------------------------------------------


def test_the_json_is_what_the_function_answers() -> None:
    answer = json.loads(
        run("memory", "mobilenet_v2", "--dtype", "int8", "--policy", "in-place", "--format", "json").out
    )
    found = cm.mobilenet_v2().memory("int8", "in-place")
    assert answer["peak_bytes"] == found.peak_bytes == 1_404_928
    assert answer["at"] == "features.2.expand.conv"
    assert [value["bytes"] for value in answer["live"]] == [200_704, 1_204_224]
    assert (answer["policy"], answer["dtype"], answer["weights_bytes"]) == ("in-place", "int8", 3_504_872)
    assert [row["live"] for row in answer["rows"]] == [row.live for row in found.rows]
    assert {"name", "live_before", "made", "freed"} <= answer["rows"][0].keys()


def test_the_text_says_the_peak_first() -> None:
    first, alive, *_ = run("memory", "mobilenet_v2", "--dtype", "int8").out.splitlines()
    assert first.startswith("1,505,280 bytes at int8 are the peak (1.5 MB, 1,470 KiB), at features.2.depthwise.conv;")
    assert "features.2.expand.conv 1,204,224 (96x112x112 int8) + features.2.depthwise.conv 301,056" in alive


@pytest.mark.parametrize("style", ["csv", "markdown", "latex"])
def test_every_format_has_a_row_an_operation(style: str) -> None:
    out = run("memory", "lenet", "--format", style).out
    assert all(row.name.replace("_", "\\_" if style == "latex" else "_") in out for row in cm.lenet().memory().rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dtype", "int9"), "no type is called 'int9'; did you mean int8?"),
        (("--policy", "inplace"), "no policy is called 'inplace'; did you mean in-place?"),
        (("--dtype", ""), "no type is called ''"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal("memory", "mobilenet_v2", *arguments)


def test_a_network_of_its_input_alone_is_refused() -> None:
    with pytest.raises(CostModelError, match="has no operation"):
        _ = Network(image(3, 8)).memory().peak_bytes


def test_every_policy_has_a_rule_and_a_source() -> None:
    assert list(POLICIES) == ["separate", "fused", "in-place", "mcunet", "arena"]
    assert all(policy.rule and policy.source for policy in POLICIES.values())


def test_part_of_a_byte_is_a_byte() -> None:
    assert value_size("int4")(Shape(3), "float32") == 2
