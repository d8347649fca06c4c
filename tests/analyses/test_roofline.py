"""The least time of a network on a machine: by hand, by its definition, and where it is refused."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError, Network, apply, image, load
from costmodel.analyses.roofline import devices, named_machine
from costmodel.analyses.traffic import traffic
from costmodel.core.layers import RELU, BatchNorm, Dropout, conv, depthwise_conv
from costmodel.published.tables import paper_table
from costmodel.quantities import parse_quantity
from costmodel.report import plots
from tests.cli_runner import refusal, run

#: FLOPs and bytes a second that make arithmetic easy: the ridge is at 10 FLOPs a byte.
PEAK, BANDWIDTH = "1 TFLOPS", "100 GB/s"


def small() -> Network:
    x = image(16, 10)
    x = apply(x, "pointwise", conv(64, 1))
    x = apply(x, "norm", BatchNorm())
    x = apply(x, "relu", RELU)
    return Network(apply(apply(x, "depthwise", depthwise_conv(64, 3, padding=1)), "dropout", Dropout()))


def test_an_operation_takes_the_longer_of_computing_and_moving() -> None:
    found = small().roofline(peak=PEAK, bandwidth=BANDWIDTH, dtype="int8", batch=2)
    bounds = {node.name: bound for node, bound in found.bounds.items()}
    # 100 positions, 2 samples, 16 x 64 weights; a byte a value.
    pointwise = bounds["pointwise"]
    assert (pointwise.flops, pointwise.bytes) == (2 * 2 * 100 * 16 * 64, 2 * 100 * (16 + 64) + 16 * 64)
    assert pointwise.seconds == max(Fraction(409_600, 10**12), Fraction(17_024, 10**11))
    assert pointwise.bound_by == "compute"
    depthwise = bounds["depthwise"]
    assert (depthwise.flops, depthwise.bytes) == (2 * 2 * 100 * 9 * 64, 2 * 2 * 100 * 64 + 9 * 64)
    assert depthwise.seconds == Fraction(26_176, 10**11)
    assert depthwise.bound_by == "memory"
    assert bounds["dropout"] == (0, 0, 0, 0)
    assert bounds["dropout"].bound_by == ""
    assert found.total.seconds == sum(bound.seconds for bound in bounds.values())
    assert found.total.compute == pointwise.seconds
    assert found.total.bound_by == "memory"


def test_what_is_fused_takes_no_time_of_its_own() -> None:
    apart = small().roofline(peak=PEAK, bandwidth=BANDWIDTH)
    fused = small().roofline(peak=PEAK, bandwidth=BANDWIDTH, fused=True)
    alone = {node.name: bound for node, bound in apart.bounds.items()}
    joined = {node.name: bound for node, bound in fused.bounds.items()}
    assert joined["norm"].seconds == joined["relu"].seconds == 0
    assert joined["pointwise"] == alone["pointwise"]
    assert apart.total.seconds - fused.total.seconds == alone["norm"].seconds + alone["relu"].seconds


@given(st.integers(1, 10**15), st.integers(1, 10**13), st.sampled_from(["fp32", "fp16", "int8"]))
def test_no_machine_is_faster_than_its_peak_or_its_bandwidth(peak: int, bandwidth: int, dtype: str) -> None:
    net = cm.lenet()
    found = net.roofline(peak=peak, bandwidth=bandwidth, dtype=dtype)
    moved = sum(traffic(node, dtype).moved for node in net.ledger.operations)
    assert found.total.flops == net.flops
    assert found.total.bytes == moved
    assert found.total.seconds >= max(Fraction(net.flops, peak), Fraction(moved, bandwidth))
    assert found.total.seconds <= Fraction(net.flops, peak) + Fraction(moved, bandwidth)
    for bound in found.bounds.values():
        assert (bound.bound_by == "compute") == (bound.seconds > 0 and bound.intensity >= Fraction(peak, bandwidth))


def test_the_peaks_of_devices_are_dense_and_have_a_source() -> None:
    rows = paper_table("devices")
    assert len({(row.device, row.dtype) for row in rows}) == len(rows) > 50
    for row in rows:
        assert row.source
        machine = named_machine(row.device, row.dtype)
        assert machine.peak == parse_quantity(row.peak, "flops_per_second").amount > 0
        assert machine.bandwidth == parse_quantity(row.bandwidth, "bytes_per_second").amount > 0
    # With sparsity, the data sheets print twice as much.
    assert named_machine("a100-sxm-80gb", "float16").peak == 312 * 10**12
    assert named_machine("h100-sxm", "bfloat16").peak == Fraction(1979 * 10**12, 2)
    # The issue's own numbers.
    assert named_machine("rtx-4090", "float32")[2:4] == (Fraction(826 * 10**11), Fraction(1008 * 10**9))


def test_a_device_has_the_peak_of_the_type_of_the_network() -> None:
    assert cm.lenet().roofline("t4", dtype="fp16").machine == named_machine("t4", "float16")
    assert cm.lenet().roofline("t4").machine == named_machine("t4", "float32")
    half = apply(image(3, 8)._replace(dtype="float16"), "conv", conv(4, 3))
    assert Network(half).roofline("t4").machine == named_machine("t4", "float16")
    assert set(devices()) == {row.device for row in paper_table("devices")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--device", "rtx-4O90"), "no device is called 'rtx-4O90'; did you mean rtx-4090? there are h100-sxm, "),
        (("--device", "RTX 3090 Ti"), "no device is called 'RTX 3090 Ti'; did you mean rtx-3090? "),
        (("--device", "t4", "--dtype", "bf16"), "t4 has no peak for bfloat16 in the table"),
        (("--device", "t4", "--dtype", "fp61"), "Invalid value for '--dtype': no type is called 'fp61'; did you mean"),
        (("--device", "t4", "--peak", "1 TFLOPS"), "the device t4 has a peak and a bandwidth"),
        (("--peak", "1 TFLOPS"), "the bandwidth is missing; give --device NAME, such as rtx-4090, or both --peak"),
        (("--bandwidth", "1 GB/s"), "the peak is missing; give --device NAME"),
        ((), "no machine is named; give --device NAME"),
        (("--peak", "1 TFLOP/h", "--bandwidth", "1 GB/s"), "peak: '1 TFLOP/h' has the unit 'TFLOP/h'; did you mean"),
        (("--peak", "1 TB/s", "--bandwidth", "1 GB/s"), "peak: '1 TB/s' is a rate in bytes a second"),
        (("--peak", "1 TFLOPS", "--bandwidth", "1 GB"), "bandwidth: '1 GB' is a size in bytes"),
        (("--peak", "fast", "--bandwidth", "1 GB/s"), "peak: 'fast' is not an amount"),
        (("--peak", "0 TFLOPS", "--bandwidth", "1 GB/s"), "peak: '0 TFLOPS' is nothing a second; a rate is above 0"),
        (("--peak", "-1 TFLOPS", "--bandwidth", "1 GB/s"), "peak: '-1 TFLOPS' is not an amount"),
        (("--device", "t4", "--batch", "0"), "Invalid value for '--batch': "),
    ],
)  # fmt: skip
def test_what_is_no_machine_is_refused_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("roofline", "lenet", *arguments).startswith(message)


def test_json_says_the_machine_the_total_and_every_operation() -> None:
    document = json.loads(run("roofline", "mobilenet_v1", "--device", "t4", "--batch", "8", "--format", "json").out)
    assert document["machine"] == {
        "name": "t4",
        "dtype": "float32",
        "peak_flops_per_second": 8.1e12,
        "bandwidth_bytes_per_second": 3.2e11,
        "ridge": 25.3125,
        "source": "NVIDIA T4 product page",
    }
    assert document["flops"] == 8 * cm.mobilenet_v1().flops == sum(row["flops"] for row in document["rows"])
    assert document["bound_seconds"] == pytest.approx(sum(row["bound_seconds"] for row in document["rows"]))
    first = document["rows"][0]
    moved = 8 * (3 * 224 * 224 + 32 * 112 * 112) * 4 + 864 * 4
    assert first == {
        "name": "features.0.conv",
        "type": "conv",
        "flops": 8 * 2 * 10_838_016,
        "bytes": moved,
        "intensity": 8 * 2 * 10_838_016 / moved,
        "bound_seconds": moved / 3.2e11,
        "bound_by": "memory",
    }


def test_rows_are_layers_or_types_and_add_up() -> None:
    out = run("roofline", "mobilenet_v2", "--device", "rtx-4090", "--dtype", "fp16", "--by", "type").out.splitlines()
    assert out[0] == "At least 85.85 µs on rtx-4090: 165.2 TFLOPS at fp16, 1.008 TB/s"
    assert out[2].startswith("Memory binds 100.00 % of the time, compute 0.00 % of the time; the ridge is at 163.9")
    assert [line.split("  ")[0] for line in out[8:10]] == ["conv 3x3", "batch norm"]
    assert out[-1].split()[-2:] == ["%", "memory"]
    for by in ("block", "stage", "layer"):
        assert run("roofline", "lenet", "--device", "t4", "--by", by).status == 0


def test_a_plot_has_each_type_under_the_roof() -> None:
    figure = plots.roofline(cm.mobilenet_v1().roofline("rtx-4090"))
    (axes,) = figure.axes
    labels = [points.get_label() for points in axes.collections]
    assert labels == ["conv 1x1", "depthwise conv 3x3", "linear", "conv 3x3"]
    heights = [float(y) for points in axes.collections for _, y in points.get_offsets()]  # type: ignore[union-attr]
    assert max(heights) <= 82.6 + 1e-6
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == labels


def test_a_network_that_multiplies_nothing_has_no_plot() -> None:
    net = Network(apply(image(3, 8), "relu", RELU))
    with pytest.raises(CostModelError, match="has no multiply-adds; there is no rate to draw"):
        plots.roofline(net.roofline("t4"))
    assert load(net).roofline("t4").total.bound_by == "memory"
