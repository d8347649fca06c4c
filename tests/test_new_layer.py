"""A layer in a module of one's own, by CONTRIBUTING's recipe: counted, swept, in formulas, conventions and locks.

The layer mixes the channels of each position within ``groups``, and adds what it read. Expectations are by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import costmodel as cm
from costmodel.conventions import counts_of
from costmodel.guard.cost import cost_of
from costmodel.guard.diff import difference
from costmodel.guard.lockfile import read, write
from costmodel.scaling.surface import surface
from tests.cli_runner import refusal, run

MODULE = """
from typing import final

import costmodel as cm
from costmodel.core.counts import Ops, Params
from costmodel.core.layers import Layer, conv


@final
class MixChannels(Layer):
    groups: int = 1

    def output(self, inputs):
        return inputs[0]

    def kind(self, inputs):
        return "mix_channels"

    def choices(self):
        return (("groups", self.groups),)

    def macs(self, inputs, output):
        return output.positions * (output.channels // self.groups) * output.channels

    def other_ops(self, inputs, output):
        return Ops(add=output.elements)

    def params(self, inputs):
        return Params(weight=inputs[0].channels // self.groups * inputs[0].channels)


def net(alpha: float = 1.0, resolution: int = 8, groups: int = 2) -> cm.Network:
    x = cm.image(3, resolution)
    x = cm.apply(x, "stem", conv(int(4 * alpha) * 4, kernel=3, stride=2, padding=1, bias=False))
    return cm.Network(cm.apply(x, "mix", MixChannels(groups)), "mine", {"alpha": alpha, "resolution": resolution})
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "newlayer.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("newlayer", None)


def by_hand(alpha: float, resolution: int) -> tuple[int, int]:
    """Multiply-adds of the mixing alone and of all, counted product by product."""
    side = len(range(0, resolution, 2))
    channels = [group for group in range(2) for _ in range(int(4 * alpha) * 4 // 2)]
    mixing = side * side * sum(a == b for a in channels for b in channels)
    return mixing, mixing + side * side * len(channels) * 3 * 9


def test_count() -> None:
    net = cm.load("newlayer:net")
    assert by_hand(1.0, 8) == (2048, 8960)
    assert net.multiply_adds == 8960
    assert net.parameters == 3 * 9 * 16 + 2 * 8 * 8
    assert {entry.name: entry.ops.add for entry in net.ledger}["mix"] == 4 * 4 * 16
    assert "mix channels" in run("count", "newlayer:net", "--by", "layer").out


def test_sweep() -> None:
    alphas, resolutions = [0.25, 0.6, 1.0, 2.3], [7, 8, 33]
    counts = surface("newlayer:net", alphas, resolutions)
    assert counts.tolist() == [[by_hand(alpha, size)[1] for size in resolutions] for alpha in alphas]
    frame = cm.sweep("newlayer:net", alpha=alphas, resolution=resolutions)
    assert frame["multiply_adds"].tolist() == counts.flatten().tolist()


def test_formula() -> None:
    form = cm.closed_form("newlayer:net")
    (piece,) = form.pieces
    _, mix = piece.layers
    assert mix.label == "mix channels"
    for size in (2, 8, 64):
        mixing, both = by_hand(1.0, size)
        assert mix.multiply_adds.at(1, size // form.resolutions.step) == mixing
        assert form.multiply_adds(resolution=size) == both
    assert "mix channels" in run("formula", "newlayer:net").out


def test_conventions() -> None:
    counts = counts_of(cm.load("newlayer:net").ledger)
    paper, tool = counts["paper"], counts["thop"]
    assert not isinstance(paper, cm.CostModelError)
    assert paper.total == 8960
    assert isinstance(tool, cm.CostModelError)
    assert "mix" in str(tool)
    assert "no rule for mix channels" in str(tool)
    assert "no rule for mix channels" in refusal("count", "newlayer:net", "--convention", "thop")


def test_lock() -> None:
    cost = cost_of(cm.load("newlayer:net"), "mine")
    text = write([cost])
    assert "mix | mix_channels | groups 2 | 16x4x4 | 16x4x4 | 2048 | 128" in text
    kept = read(text.encode())["mine"]
    assert not difference(kept, cost).changed
    assert difference(kept, cost_of(cm.load("newlayer:net", groups=4), "mine")).changed
