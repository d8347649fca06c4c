"""``costmodel verify``: equal networks pass, and each kind of difference is found and named."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import reference_models
from costmodel import Network, apply, image, load
from costmodel.core.layers import RELU, conv
from costmodel.reproduction.verification import compare
from reference_models import oracles
from reference_models.layers import Add, named
from reference_models.oracles import Measured, measure
from tests.cli_runner import refusal, run


def test_a_network_that_equals_pytorch_passes() -> None:
    answer = run("verify", "mobilenet_v2", "--alpha", "0.35", "--resolution", "65", "--num-classes", "7")
    lines = answer.out.splitlines()
    assert (answer.status, answer.err) == (0, "")
    assert lines[0].startswith("mobilenet_v2 equals PyTorch in all 153 operations: ")
    assert len(lines) == 3 + 1 + 2 + 153
    first = lines[6].split()
    assert first == ["features.0.conv", "16x33x33", "16x33x33", "432", "432", "470,448", "470,448"]


def test_a_wrong_network_fails_and_names_the_first_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    right = reference_models.build
    monkeypatch.setattr(reference_models, "build", lambda name, **choices: right(name, alpha=0.5))
    answer = run("verify", "mobilenet_v1", "--resolution", "32")
    assert answer.status == 1
    assert answer.out.splitlines()[0] == (
        "mobilenet_v1 differs at features.0.conv: output (32, 16, 16) here, (16, 16, 16) in PyTorch"
    )


MEASURED = measure(reference_models.build("lenet"), oracles.image((3, 32, 32)))


def with_change(place: int, **changed: object) -> list[Measured]:
    return [*MEASURED[:place], replace(MEASURED[place], **changed), *MEASURED[place + 1 :]]


@pytest.mark.parametrize(
    ("measured", "difference"),
    [
        (MEASURED, None),
        (with_change(0, name="conv1"), "features.conv1.conv: name features.conv1.conv here, conv1 in PyTorch"),
        (with_change(1, kind="sigmoid"), "features.conv1.activation: operation relu here, sigmoid in PyTorch"),
        (with_change(2, kind="average_pool"), "features.pool1: operation max_pool here, average_pool in PyTorch"),
        (with_change(2, reads=("input",)), "features.pool1: reads ('features.conv1.activation',) here, ('input',) in"),
        (with_change(1, output=(16, 28, 27)), "features.conv1.activation: output (16, 28, 28) here, (16, 28, 27) in"),
        (with_change(0, parameters=1217), "features.conv1.conv: parameters 1216 here, 1217 in PyTorch"),
        (with_change(11, multiply_adds=0), "classifier.fc3: multiply-adds 840 here, 0 in PyTorch"),
        (MEASURED[:-1], "classifier.fc3: only costmodel has this operation"),
        ([*MEASURED, replace(MEASURED[0], name="more")], "more: only PyTorch has this operation"),
    ],
)
def test_every_kind_of_difference_is_seen(measured: list[Measured], difference: str | None) -> None:
    found = compare(load("lenet"), measured).difference
    assert found is None if difference is None else (found or "").startswith(difference)


class Functional(nn.Module):
    """Adds outside a submodule."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x) + x


class Unknown(nn.Module):
    """Holds an operation that nobody has named."""

    def __init__(self) -> None:
        super().__init__()
        self.mystery = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        return self.mystery(x)


class Twice(nn.Module):
    """Runs one module twice."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.relu(x))


class Stored(nn.Module):
    """Keeps a parameter outside its leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Functional(), "is computed outside a module"),
        (Unknown(), "nothing is known of Tanh"),
        (Twice(), "relu runs twice"),
        (Stored(), "parameters are stored outside the leaves"),
    ],
)
def test_a_module_that_hides_something_is_not_measured(module: nn.Module, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure(module, oracles.image((3, 8, 8)))


def test_a_tensor_read_twice_is_two_edges() -> None:
    class Doubled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()
            self.add = Add()

        def forward(self, x: Tensor) -> Tensor:
            y = self.relu(x)
            return self.add(y, y)

    assert measure(Doubled(), oracles.image((3, 8, 8)))[1].reads == ("relu", "relu")


def test_fvcore_is_blind_to_same_padding_and_the_other_oracle_is_not() -> None:
    module = named(conv=nn.Conv2d(3, 8, 3, padding="same", bias=False))
    x = oracles.image((3, 10, 10))
    assert oracles.fvcore_multiply_adds(module, x) == 0
    (measured,) = measure(module, x)
    net = Network(apply(image(3, 10), "conv", conv(8, 3, padding="same")))
    assert measured.multiply_adds == net.multiply_adds == 10 * 10 * 3 * 3 * 3 * 8


def test_oracles_that_disagree_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = oracles._forward

    def lying(module: nn.Module, x: Tensor) -> object:
        shapes, counts = honest(module, x)
        return shapes, {name: count + 1 for name, count in counts.items()}

    monkeypatch.setattr(oracles, "_forward", lying)
    with pytest.raises(ValueError, match="conv: fvcore counts 216 multiply-adds, FlopCounterMode 217"):
        measure(named(conv=nn.Conv2d(3, 8, 3, bias=False)), oracles.image((3, 3, 3)))


def test_all_is_a_row_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another dictionary: entries taken out of this one would come back in another order.
    monkeypatch.setattr("costmodel.models.registry.FAMILIES", {"lenet": "lenet", "lenet5": "lenet"})
    answer = run("verify", "--all")
    lines = answer.out.splitlines()
    assert (answer.status, answer.err) == (0, "")
    assert lines[0] == "2 of 2 networks equal PyTorch, operation by operation"
    assert lines[-2].split() == ["lenet", "3x32x32", "121,182", "2,327,720", "12", "all", "equal"]
    markdown = run("verify", "--all", "--format", "markdown").out
    assert "| lenet | 3x32x32 | 121,182 | 2,327,720 | 12 | all equal |" in markdown
    monkeypatch.setattr(reference_models, "build", lambda name: named(relu=nn.ReLU()))
    failed = run("verify", "--all")
    assert failed.status == 1
    assert failed.out.startswith("0 of 2 networks equal PyTorch")
    assert "features.conv1.conv: name features.conv1.conv here, relu in PyTorch" in failed.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a model, or --all for every one; `costmodel models` lists them"),
        (("resnet",), "no model is called 'resnet'; did you mean resnet"),
        (("--all", "lenet"), "--all takes every model at its defaults; leave out the model and its choices"),
        (("--all", "--alpha", "0.5"), "--all takes every model at its defaults"),
        (("mobilenet_v1", "--resolution", "9" * 18), "mobilenet_v1 cannot be measured on this machine: "),
        (("lenet", "--alpha", "0.5"), "lenet takes no alpha (alpha=0.5 given)"),
        (("lenet", "--resolution", "64"), "flatten: the linear layer reads 25 positions, a 32x13x13 map has 169"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("verify", *arguments).startswith(message)


def test_without_pytorch_the_extra_is_named() -> None:
    script = (
        "import sys\n"
        "sys.modules['torch'] = None\n"  # an import of it fails as if it were not there
        "from costmodel.cli import main\n"
        "main(['verify', 'lenet'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "costmodel: error: verify needs torch, which is not installed; run: pip install torch fvcore\n"
    )


def test_relu_is_no_multiply_add() -> None:
    (measured,) = measure(named(relu=nn.ReLU()), oracles.image((3, 8, 8)))
    net = Network(apply(image(3, 8), "relu", RELU))
    assert compare(net, [measured]).difference is None


OWN = """
from torch import nn


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, width, 3, stride=2), nn.BatchNorm2d(width), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(width * 49, 10)

    def forward(self, x):
        return self.head(self.layers(x))


class Reads(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.block = nn.Embedding(50, 32), nn.TransformerEncoderLayer(32, 4, batch_first=True)

    def forward(self, tokens):
        return self.block(self.table(tokens))
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that holds networks of a user's own."""
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return name


@pytest.mark.parametrize(
    ("tool", "printed"), [("fvcore", 8 * 27 * 49 + 2 * 8 * 49 + 3920), ("flop_counter_mode", 2 * 14504)]
)
def test_a_module_of_ones_own_is_compared_with_what_a_tool_prints(own: str, tool: str, printed: int) -> None:
    command = ("verify", f"{own}:Net", "--against", tool)
    answer = run(*command, "--input", "3x15x15")
    assert (answer.status, answer.err) == (0, "")
    assert f"prints {printed:,} " in answer.out.splitlines()[0]
    assert f"equals the {printed:,} that costmodel gives for it" in answer.out.splitlines()[0]
    assert answer.out.splitlines()[-1].endswith("equal")


def test_an_encoder_of_pytorch_is_compared_on_the_path_that_tools_see(own: str) -> None:
    answer = run("verify", f"{own}:Reads", "--against", "flop_counter_mode", "--input", "12:int64")
    assert answer.status == 0
    # Queries, keys, values and the output of 32 to 32, a feed-forward of 2048, two products of 12 by 12 by 32.
    assert f"prints {2 * (12 * (4 * 32 * 32 + 2 * 32 * 2048) + 2 * 12 * 12 * 32):,} FLOPs" in answer.out


def test_a_figure_of_a_tool_that_differs_is_a_difference(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracles, "tool_total", lambda tool, module, inputs: 5)
    answer = run("verify", f"{own}:Net", "--against", "fvcore", "--input", "3x15x15")
    assert answer.status == 1
    assert "prints 5 flops, one a multiply-add, which differs from the" in answer.out.splitlines()[0]


def test_what_no_tool_can_run_is_refused(own: str) -> None:
    assert "has no function 'Nothing'" in refusal(
        "verify", f"{own}:Nothing", "--against", "fvcore", "--input", "3x15x15"
    )
    assert "--input=3x8x8 is for --against fvcore and flop_counter_mode" in refusal(
        "verify", "lenet", "--input", "3x8x8"
    )
    assert "--all is for pytorch and keras" in refusal("verify", "--all", "--against", "fvcore")
