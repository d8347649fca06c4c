"""What reads what, under which names; and what a captured network is good for afterwards."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from costmodel import Network, Shape
from costmodel.capture.torch.api import from_torch
from costmodel.core.layers import Alias
from tests.capture.modules import Calls, stored

MAP = (4, 8, 8)


def reads(network: Network) -> dict[str, list[str]]:
    return {node.name: [read.name for read in node.inputs] for node in network.nodes}


def test_a_residual_through_an_activation_in_place() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        y = module.conv(x)
        return y + module.act(y)  # type: ignore[no-any-return]

    module = Calls(forward, conv=nn.Conv2d(4, 4, 1), act=nn.ReLU(inplace=True))
    assert reads(from_torch(module, MAP)) == {"input": [], "conv": ["input"], "act": ["conv"], "add": ["act", "act"]}


def test_a_dropout_is_a_node_and_its_input_another() -> None:
    module = Calls(lambda m, x: x + m.drop(x), drop=nn.Dropout())
    assert reads(from_torch(module, MAP)) == {"input": [], "drop": ["input"], "add": ["input", "drop"]}


def test_slices_written_in_place() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        out[:, :2] = module.a(x[:, :2])
        out[:, 2:] = module.b(x[:, 2:])
        return module.last(out)  # type: ignore[no-any-return]

    module = Calls(forward, a=nn.Conv2d(2, 2, 1), b=nn.Conv2d(2, 2, 1), last=nn.Conv2d(4, 4, 1))
    network = from_torch(module, MAP)
    assert reads(network) == {
        "input": [], "a": ["input"], "copy": ["a"], "b": ["input"], "copy:2": ["copy", "b"], "last": ["copy:2"]
    }  # fmt: skip
    # Each copy fills a part of the same four channels; only the first of them is new memory.
    first, second = (node for node in network.nodes if node.kind == "copy")
    assert first.shape == second.shape == Shape(4, (8, 8))
    assert (first.alias, second.alias) == (None, Alias(0, writes=True))


def test_a_slice_changed_in_place_is_read_by_what_follows() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        y = module.first(x)
        y[:, :2] += module.part(y[:, :2])
        return y.relu()  # type: ignore[no-any-return]

    module = Calls(forward, first=nn.Conv2d(4, 4, 1), part=nn.Conv2d(2, 2, 1))
    found = reads(from_torch(module, MAP))
    assert (found["relu"], found["add"], found["part"]) == (["add"], ["first", "part"], ["first"])


def test_a_dead_branch_and_an_unused_parameter_are_counted() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        module.dead(x)
        return module.live(x)  # type: ignore[no-any-return]

    module = Calls(forward, dead=nn.Conv2d(4, 2, 1), live=nn.Conv2d(4, 4, 1), unused=nn.Parameter(torch.ones(7)))
    network = from_torch(module, MAP)
    assert (network.multiply_adds, network.parameters) == (64 * 4 * (2 + 4), stored(module))
    assert set(reads(network)) == {"input", "dead", "live", "unused", "outputs"}


def test_names_are_the_paths_of_modules_and_all_different() -> None:
    module = Calls(
        lambda m, x: (m.input(x), m.outputs(x), m.outputs(x)), input=nn.Linear(8, 8), outputs=nn.Linear(8, 8)
    )
    network = from_torch(module, (8,))
    names = [node.name for node in network.nodes]
    assert len(set(names)) == len(names)
    assert {"input", "outputs"} <= {entry.name for entry in network.ledger}
    assert len(network.ledger.by("layer")) == len(network.ledger)


@dataclass
class Answer:
    scores: Tensor
    features: Tensor


@pytest.mark.parametrize(
    "shape_of_answer",
    [
        lambda a, b: (a, b),
        lambda a, b: [a, {"b": b}],
        lambda a, b: {"a": a, "b": b},
        lambda a, b: Answer(a, b),
        lambda a, b: (a, b, None, 3, "text", torch.ones(3)),
    ],
)
def test_several_outputs_of_any_kind(shape_of_answer: Any) -> None:
    module = Calls(lambda m, x: shape_of_answer(m.a(x), m.b(x)), a=nn.Linear(8, 3), b=nn.Linear(8, 4))
    network = from_torch(module, (8,))
    assert (network.multiply_adds, network.parameters) == (8 * 7, stored(module))
    assert reads(network)["outputs"][:2] == ["a", "b"]


def test_several_inputs_of_any_kind() -> None:
    query, key = torch.ones(2, 5, 8), torch.ones(2, 7, 8)

    def product(module: Any, a: Tensor, b: Tensor, scale: float = 1.0, mask: Tensor | None = None) -> Tensor:
        scores = a @ b.mT * scale
        return scores if mask is None else scores.masked_fill(mask, 0)

    class Named(nn.Module):
        def forward(self, a: Tensor, b: Tensor, scale: float = 1.0, mask: Tensor | None = None) -> Tensor:
            return product(self, a, b, scale, mask)

    mask = torch.zeros(5, 7, dtype=torch.bool)
    calls: list[tuple[Any, Any]] = [
        ((query, key), None),
        ((query, key, 0.5), None),
        ((query, key), {"scale": 0.5, "mask": mask}),
        ((query,), {"b": key}),
        ((), {"a": query, "b": key}),
    ]
    for inputs, kwargs in calls:
        network = from_torch(Named(), inputs, kwargs)
        assert network.multiply_adds == 2 * 5 * 7 * 8
        assert [shape.sizes for shape in network.inputs[:2]] == [(2, 5, 8), (2, 7, 8)]
        assert [node.name for node in network.nodes][:2] == ["a", "b"]
    nested = Calls(lambda m, pair: pair["a"] @ pair["b"])
    assert from_torch(nested, ({"a": torch.ones(2, 8), "b": torch.ones(8, 3)},)).multiply_adds == 48


def test_numbers_of_numpy_and_shapes_are_sizes() -> None:
    import numpy as np

    for sizes in ((np.int64(3), 8, 8), [3, 8, 8], torch.Size((3, 8, 8)), Shape(3, (8, 8))):
        assert from_torch(nn.Conv2d(3, 4, 3), sizes).multiply_adds == 36 * 4 * 27


def test_a_captured_network_is_a_network() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 5))
    network = from_torch(module, (3, 8, 8), name="mine")
    for twin in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network), copy.copy(network)):
        assert repr(twin.nodes) == repr(network.nodes)
        assert (twin.multiply_adds, twin.parameters, twin.name) == (64 * 8 * 27 + 512 * 5, stored(module), "mine")
    for by in ("layer", "block", "stage", "type"):
        frame = network.table(by=by, batch=3)
        assert frame["multiply_adds"].sum() == 3 * network.multiply_adds
        assert frame["parameters"].sum() == network.parameters
    assert list(network.table()["name"]) == ["0", "1", "2", "3", "4"]
    assert list(network.table(by="type")["type"]) == ["conv 3x3", "batch norm", "relu", "flatten", "linear"]
