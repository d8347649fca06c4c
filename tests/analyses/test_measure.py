"""What is run to be timed is the layer that is counted; nothing here depends on how long anything takes."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import costmodel as cm
from costmodel import CostModelError, Network, apply, image, load, tokens
from costmodel.analyses import measure
from costmodel.core.layers import Embedding, LayerNorm, Linear, MatMul, conv, transposed_conv
from costmodel.core.shape import Shape
from costmodel.report import plots
from tests.cli_runner import refusal, run

NETWORKS = ("mobilenet_v1", "mobilenet_v2:keras", "mobilenet_v3_small", "shufflenet_v1", "shufflenet_v2", "googlenet",
            "squeezenet1_1", "resnet50:slim-stride", "lenet5", "densenet121", "efficientnet_b0", "alexnet")  # fmt: skip


def check(network: Network) -> set[str]:
    """Runs each operation, and holds its output against the shape that was counted; the kinds that are not run."""
    left = set()
    for node in network.ledger.operations:
        ran = measure.operation(node, torch.float32, 2)
        if ran is None:
            left.add(node.kind)
            continue
        made = ran()
        assert isinstance(made, Tensor)
        assert tuple(made.shape) == (2 * node.provenance.times, *node.sample[1].sizes), node
    return left


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_that_is_timed_makes_the_shape_that_is_counted(name: str) -> None:
    arguments = {} if name == "lenet5" else {"resolution": 224}
    # The views are not timed, and so are not in the way.
    assert check(load(name, **arguments)) <= {"flatten", "dropout", "channel_slice", "outputs"}


def test_layers_of_sequences_and_other_ranks_are_timed_too() -> None:
    heads = [apply(tokens(6, 8, name), f"linear {name}", Linear(6)) for name in ("a", "b")]
    assert check(Network(apply(heads, "scores", MatMul()))) == set()
    assert check(Network(apply(tokens(6, 8), "norm", LayerNorm(1)))) == set()
    indices = image(1, (5,))._replace(dtype="int64", shape=Shape(5))
    assert check(Network(apply(indices, "embed", Embedding(100, 16)))) == set()
    for rank in (1, 2, 3):
        x = image(4, (9,) * rank)
        same = apply(x, "same", conv(8, 3, 2, "same", 1, 4, True, rank))
        uneven = apply(same, "uneven", conv(8, 2, 1, ((0, 1),) * rank, rank=rank))
        assert check(Network(apply(uneven, "up", transposed_conv(4, 3, 2, 1, output_padding=1, rank=rank)))) == set()


class Windows(nn.Module):
    """A module whose captured layers run more than once, or are none of PyTorch's."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).cumsum(1)


def test_what_pytorch_has_no_layer_for_is_not_run_and_said() -> None:
    net = load(Windows(), (3, 8, 8))
    assert check(net) == {"cumsum"}
    times = measure.times_of(net.ledger.operations, "float32", 1, 1)
    assert [node.name for node in times] == ["conv"]


def test_a_time_is_the_fastest_run_after_a_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 5.0, 10.0, 12.0, 20.0, 23.0])
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(ticks))
    runs: list[None] = []
    assert measure.fastest(lambda: runs.append(None), 3) == 2.0
    assert len(runs) == 4


@pytest.fixture
def _a_millisecond_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(ran: Any, repeat: int) -> float:
        ran()
        return 1e-3

    monkeypatch.setattr(measure, "fastest", once)


@pytest.mark.usefixtures("_a_millisecond_each")
def test_the_fit_is_the_fastest_of_the_convolutions_and_of_the_copies() -> None:
    machine = measure.this_machine("float32", 1)
    # 256 channels, 3x3, at 28x28 are the most work of the four: 2 * 28 * 28 * 9 * 256 * 256 a millisecond.
    assert machine.peak == 924_844_032 * 1000
    # Copies of 64 MiB read and write as much.
    assert machine.bandwidth == 2 * 64 * 2**20 * 1000


@pytest.mark.usefixtures("_a_millisecond_each")
def test_measured_stands_beside_its_bound_in_text_and_json() -> None:
    arguments = ("roofline", "mobilenet_v1", "--resolution", "32", "--measure", "--repeat", "1")
    document = json.loads(run(*arguments, "--format", "json").out)
    rows = {row["name"]: row for row in document["rows"]}
    first = rows["features.0.conv"]
    assert first["measured_seconds"] == 1e-3
    assert first["ratio"] == pytest.approx(1e-3 / first["bound_seconds"])
    assert rows["flatten"]["measured_seconds"] is None
    assert document["machine"]["name"] == "this machine"
    assert document["measured_seconds"] == pytest.approx(1e-3 * (len(rows) - 1))
    out = run(*arguments, "--by", "type").out.splitlines()
    assert out[0].startswith("83 ms measured, at least ")
    assert out[0].endswith(" times the bound")
    assert out[7].split()[-2:] == ["measured_us", "ratio"]


@pytest.mark.usefixtures("_a_millisecond_each")
def test_an_operation_that_is_faster_than_its_bound_is_not_hidden() -> None:
    out = run("roofline", "vgg16", "--measure", "--repeat", "1", "--by", "type").out
    assert "operations were faster than their bound: the machine was busy while it was fitted." in out


@pytest.mark.usefixtures("_a_millisecond_each")
def test_a_plot_of_what_was_measured_has_the_rates_that_were_reached() -> None:
    net = cm.lenet()
    found = net.roofline(peak="1 TFLOPS", bandwidth="1 TB/s")
    measured = measure.times_of(net.ledger.operations, "float32", 1, 1)
    (axes,) = plots.roofline(found, measured).axes
    assert axes.get_ylabel() == "reached (GFLOPS)"
    linear = next(points for points in axes.collections if points.get_label() == "linear")
    # 84 x 10 multiply-adds in a millisecond are 1.68 MFLOPS.
    assert min(float(y) for _, y in linear.get_offsets()) == pytest.approx(1.68e-3)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--measure", "--device", "t4"),
            "--measure fits this machine and runs each operation alone; leave out --device",
        ),
        (("--measure", "--fused"), "--measure fits this machine and runs each operation alone; leave out --fused"),
        (("--device", "t4", "--repeat", "3"), "--repeat=3 says how often --measure runs a layer; add --measure"),
        (("--measure", "--repeat", "0"), "Invalid value for '--repeat': "),
        (("--measure", "--dtype", "int8"), "layers are run in floating point, int8 is none; give --dtype fp32"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("roofline", "lenet", *arguments).startswith(message)


def test_without_pytorch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "costmodel.analyses.measure", raising=False)
    monkeypatch.delattr("costmodel.analyses.measure", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    said = refusal("roofline", "lenet", "--measure")
    assert said == "--measure needs torch, which is not installed; run: pip install torch"


def test_what_pytorch_cannot_run_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(ran: Any, repeat: int) -> float:
        raise RuntimeError("not enough memory: you tried to allocate\n800 GB")

    monkeypatch.setattr(measure, "fastest", out_of_memory)
    with pytest.raises(
        CostModelError, match=r"^PyTorch cannot run this network at float16 on this machine: not enough"
    ):
        measure.times_of(cm.lenet().ledger.operations, "float16", 1, 1)
