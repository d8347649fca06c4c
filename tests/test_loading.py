"""Modules of the user's own, named MODULE:NAME: the commands of a shell on a package in a temporary folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import costmodel as cm
from costmodel import CostModelError, Shape
from costmodel.capture.input_spec import InputSpec, parse_input
from tests.cli_runner import refusal, run

# The user's modules need torch.
pytestmark = pytest.mark.slow

MODELS = """
import torch
from torch import nn

import costmodel as cm
import costmodel.core.layers


class Net(nn.Module):
    def __init__(self, width=1.0, classes=5):
        super().__init__()
        self.conv = nn.Conv2d(3, int(8 * width), 3, padding=1)
        self.head = nn.Linear(int(8 * width), classes)

    def forward(self, x):
        return self.head(self.conv(x).mean((2, 3)))


def build(width=1.0):
    return Net(width)


def any_arguments(**choices):
    return Net(**choices)


def reading_its_numbers(width=1.0):
    assert len(torch.linspace(0, 0.1, 3).tolist()) == 3
    return Net(width)


built = Net()
drawn = cm.Network(cm.apply(cm.image(3, 8), "conv", cm.layers.conv(8, kernel=1)), "drawn")


def talking():
    print("{loading}")
    return Net()


class Product(nn.Module):
    def forward(self, a, b):
        return a @ b


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, tokens):
        return self.head(self.table(tokens))


class Branch(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return 2 * x
        return x


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        return torch.linalg.svd(self.layer(x))[1]


class Decomposed(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()

    def forward(self, x):
        return self.block(x)


class Leaving(nn.Module):
    def forward(self, x):
        raise SystemExit(0)


class Broken(nn.Module):
    def forward(self, x):
        raise ValueError("first\\nsecond")


def failing():
    raise RuntimeError("first\\nsecond")


def number():
    return 3


def network(in_channels=3, resolution=32):
    x = cm.image(in_channels, resolution)
    return cm.Network(cm.apply(x, "conv", cm.layers.conv(8, kernel=1)), "mine")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "mypackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "mypackage"]:
        del sys.modules[name]


SMALL = 32 * 32 * 4 * 27 + 4 * 5
WHOLE = 32 * 32 * 8 * 27 + 8 * 5


@pytest.mark.parametrize(
    ("name", "choices", "multiply_adds"),
    [
        ("build", ["width=0.5"], SMALL),
        ("build", [], WHOLE),
        ("Net", ["width=0.5", "classes=5"], SMALL),
        ("any_arguments", ["width=0.5"], SMALL),
        ("reading_its_numbers", ["width=0.5"], SMALL),
        ("built", [], WHOLE),
    ],
)
def test_a_factory_a_class_or_a_module(name: str, choices: list[str], multiply_adds: int) -> None:
    arguments = [part for choice in choices for part in ("--kwargs", choice)]
    answer = run("count", f"mypackage.models:{name}", "--input", "3x32x32", *arguments)
    assert answer.status == 0
    assert answer.out.startswith(f"{multiply_adds:,} multiply-adds")
    assert "conv" in answer.out
    assert "input 3x32x32, batch 1" in answer.out


def test_the_same_in_json() -> None:
    answer = run("count", "mypackage.models:build", "--input", "3x32x32", "--kwargs", "width=0.5", "--format", "json")
    document = json.loads(answer.out)
    assert document["multiply_adds"] == SMALL == sum(layer["multiply_adds"] for layer in document["layers"])
    assert document["parameters"] == 4 * 27 + 4 + 4 * 5 + 5 == sum(layer["parameters"] for layer in document["layers"])
    assert document["choices"] == {"width": 0.5}
    assert document["input"] == [3, 32, 32]
    assert [layer["name"] for layer in document["layers"]][::2] == ["conv", "head"]


def test_a_batch_multiplies_the_work_alone() -> None:
    out = run("count", "mypackage.models:built", "--input", "3x32x32", "--batch", "4").out
    assert out.startswith(f"{4 * WHOLE:,} multiply-adds")
    assert f"{8 * 27 + 8 + 8 * 5 + 5} parameters" in out


@pytest.mark.parametrize("style", ["text", "json", "csv", "markdown", "latex"])
def test_several_inputs_in_every_format(style: str) -> None:
    answer = run("count", "mypackage.models:Product", "--input", "4x8", "--input", "8x6", "--format", style)
    assert answer.status == 0
    assert "192" in answer.out


def test_inputs_that_are_indices() -> None:
    out = run("count", "mypackage.models:Words", "--input", "7:int64").out
    assert out.startswith("84 multiply-adds")  # 7 words, 4 features, 3 classes
    assert "Long, Int" in refusal("count", "mypackage.models:Words", "--input", "7")


def test_a_network_of_the_users_own_takes_an_image_as_a_resolution() -> None:
    network = cm.load("mypackage.models:network", "4x64x32")
    assert (network.input, network.multiply_adds) == (Shape(4, (64, 32)), 64 * 32 * 4 * 8)


def test_a_function_of_the_users_own_is_called_once() -> None:
    calls = []

    def network(in_channels: int = 3, resolution: int = 32) -> cm.Network:
        calls.append((in_channels, resolution))
        return cm.Network(cm.apply(cm.image(in_channels, resolution), "relu", cm.layers.RELU), "mine")

    assert cm.load(network, "4x64x64").input == Shape(4, (64, 64))
    assert cm.load(network).input == Shape(3, (32, 32))
    assert calls == [(4, 64), (3, 32)]


def test_a_function_gets_of_the_image_what_it_names() -> None:
    def wide(in_channels: int = 3, **others: int) -> cm.Network:
        assert not others
        return cm.Network(cm.apply(cm.image(in_channels, 32), "relu", cm.layers.RELU), "mine")

    assert cm.load(wide, "4x32x32").input == Shape(4, (32, 32))
    with pytest.raises(CostModelError, match="mine is built for 4x32x32, not for 4x8x8; build it for that, or leave"):
        cm.load(wide, "4x8x8")
    with pytest.raises(CostModelError, match="mine is built for 5x32x32, not for 4x32x32"):
        cm.load(wide, "4x32x32", in_channels=5)


def test_what_is_missing_is_said_in_every_answer() -> None:
    name = "mypackage.models:Decomposed"
    message = refusal("count", name, "--input", "8x8")
    assert message.startswith(f"{name}: nobody has decided what aten._linalg_svd costs; it runs in block (Block), ")
    assert "models.py:" in message
    text = run("count", name, "--input", "8x8", "--allow-uncounted").out
    assert text.startswith("at least 512 multiply-adds")
    assert "NOT COUNTED" in text
    assert "aten._linalg_svd at block._linalg_svd" in text
    for style in ("json", "csv", "markdown", "latex"):
        told = run("count", name, "--input", "8x8", "--allow-uncounted", "--format", style).out
        assert "linalg" in told
        assert "counted" in told
    # Nothing missing, nothing said.
    assert "NOT COUNTED" not in run("count", "mypackage.models:built", "--input", "3x8x8", "--allow-uncounted").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build"], "say the shape of one sample: (3, 224, 224), --input 3x224x224, or in a"),
        (["Product", "--input", "4x8"], "missing 1 required positional argument: 'b'"),
        (["build", "--input", "4x8x8"], "it was given input 4x8x8"),
        (["build", "--input", "3x8x8", "--kwargs", "wdth=2"], "takes no wdth (wdth=2 given); did you mean width?"),
        (["built", "--input", "3x8x8", "--kwargs", "width=2"], "is built already and takes no width"),
        (["build", "--input", "3x8x8:int"], "names no type of values; did you mean int64? there are float32"),
        (["build", "--input", "3xx8"], "is not a shape"),
        (["build", "--input", "3x8x8", "--kwargs", "width"], "width"),
        (["Branch", "--input", "8"], "depends on values"),
        (["Broken", "--input", "8"], "ValueError: first"),
        (["Leaving", "--input", "8"], "SystemExit"),
        (["failing", "--input", "8"], "mypackage.models:failing raised RuntimeError: first second"),
        (
            ["number", "--input", "8"],
            "returned an int; let it return a costmodel.Network, a torch.nn.Module or a keras",
        ),
        (["nothing", "--input", "8"], "has no function 'nothing'"),
    ],
)
def test_a_refusal_is_one_line(arguments: list[str], message: str) -> None:
    name, *options = arguments
    assert message in refusal("count", f"mypackage.models:{name}", *options)


@pytest.mark.parametrize("inputs", ["3x8x8", ["3x8x8"], (3, 8, 8), [(3, 8, 8)], Shape(3, (8, 8)), parse_input("3x8x8")])
def test_every_way_to_say_an_input_is_the_same(inputs: object) -> None:
    expected = 8 * 8 * 8 * 27 + 8 * 5
    for thing in ("mypackage.models:Net", "mypackage.models:built"):
        assert cm.load(thing, inputs).multiply_adds == expected
    assert cm.load("mypackage.models:drawn", inputs).multiply_adds == 8 * 8 * 3 * 8
    assert cm.load("mobilenet_v2", inputs).input == Shape(3, (8, 8))


def test_examples_are_for_modules_however_they_are_named() -> None:
    import torch

    example = torch.zeros(2, 3, 8, 8)
    assert cm.load("mypackage.models:Net", example, width=0.5).multiply_adds == 2 * (8 * 8 * 4 * 27 + 4 * 5)
    for name in ("mypackage.models:network", "mypackage.models:drawn", "mobilenet_v2"):
        with pytest.raises(CostModelError, match="is a Tensor; give the sizes of one sample"):
            cm.load(name, example)


def test_a_size_said_twice_is_refused() -> None:
    assert refusal("count", "mobilenet_v2", "--input", "4x64x64", "--kwargs", "in_channels=3") == (
        "in_channels=3 and the input 4x64x64 both say the size; give one of them"
    )
    message = refusal("count", "mypackage.models:drawn", "--input", "3x9x9")
    assert message == "drawn is built for 3x8x8, not for 3x9x9; build it for that, or leave it out"


def test_a_network_is_called_what_the_caller_says() -> None:
    assert cm.load("lenet", name="mine").name == "mine"
    assert cm.load("mypackage.models:Net", "3x8x8", name="mine").name == "mine"
    assert cm.load("mypackage.models:Net", "3x8x8").name == "mypackage.models:Net"


def test_what_the_users_code_prints_is_no_part_of_the_answer() -> None:
    answer = run("count", "mypackage.models:talking", "--input", "3x8x8", "--format", "json")
    assert json.loads(answer.out)["multiply_adds"] == 8 * 8 * 8 * 27 + 8 * 5
    assert "{loading}" in answer.err


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("mypackage/models.py", "is a file: name what is in it, as in models:NAME"),
        ("net.pt", "is a file: it holds weights and not what computes with them; name what builds the module"),
        ("net.xyz", "is a file: no network can be read from it; name an architecture, or what builds the network"),
        ("net.safetensors", "is a file: it holds weights and not what computes with them; name what builds the module"),
        (
            "net.h5",
            "is a file: it holds weights, or a model as old Keras wrote it; load it with keras.models.load_model",
        ),
        ("net.onnx.data", "is a file: it holds the weights of an .onnx file; name that one"),
        ("no/such.onnx", "there is no file no/such.onnx; correct the path"),
        ("such.onnx", "there is no file such.onnx; correct the path"),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_that_holds_no_network_is_refused(kind: type, place: str, message: str) -> None:
    for name in ("net.pt", "net.xyz", "net.safetensors", "net.h5", "net.onnx.data"):
        Path(name).touch()
    with pytest.raises(CostModelError) as error:
        cm.load(kind(place))
    assert message in str(error.value)
    assert message in refusal("count", place)


def test_an_architecture_through_the_same_door() -> None:
    assert cm.load("mobilenet_v2", "3x192x160", alpha=0.5).input == Shape(3, (192, 160))
    for inputs in ([InputSpec(Shape(3, (32, 32)))] * 2, [parse_input("3x32x32:int64")], [parse_input("3x32")]):
        with pytest.raises(CostModelError):
            cm.load("mobilenet_v2", inputs)


@pytest.mark.parametrize(
    ("text", "shape", "kind"),
    [("3x224x224", (3, 224, 224), "float32"), ("128:int64", (128,), "int64"), ("8X8:bool", (8, 8), "bool")],
)
def test_an_input_is_read_as_it_is_written(text: str, shape: tuple[int, ...], kind: str) -> None:
    found = parse_input(text)
    assert (found.shape.sizes, found.type) == (shape, kind)
    assert str(found) == text.lower()


@pytest.mark.parametrize("text", ["", "3x", "x3", "3x-1", "3x0", "3.5", "3:", "3:complex", ":int64", "3x8:int64:bool"])
def test_what_is_no_input(text: str) -> None:
    with pytest.raises(CostModelError):
        parse_input(text)


def test_from_torch_is_at_hand() -> None:
    import torch

    network = cm.from_torch(torch.nn.Linear(8, 3), (8,), name="mine")
    assert (network.name, network.multiply_adds) == ("mine", 24)
    assert network.source == "captured from torch.nn.modules.linear.Linear"
