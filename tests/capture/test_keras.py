"""Keras models: parameters as Keras says, multiply-adds as PyTorch counts them when Keras runs on it."""

from __future__ import annotations

import io
import json
import math
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras")

import keras
import torch
from keras import layers, ops
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import costmodel as cm
from costmodel import CostModelError, Network
from costmodel.capture.keras.saved import without_numbers
from costmodel.core.layers import Uncounted
from costmodel.reproduction.keras_models import KERAS_MODELS, against_keras
from tests.cli_runner import refusal, run
from tests.zoo import NIGHTLY

# Keras and h5py warn about each other's future, and PyTorch about its own.
pytestmark = pytest.mark.filterwarnings("ignore")


def ran(model: Any, *sizes: tuple[int, ...]) -> tuple[int, int]:
    """Half of what FlopCounterMode counts of a run, and how many values come out."""
    device = next((variable.value.device for variable in model.weights), "cpu")
    given = [torch.zeros((1, *size), device=device) for size in sizes]
    counter = FlopCounterMode(display=False)
    # The counter is blind to the other kernels of attention.
    with keras.device(str(device)), torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        made = model(given[0] if len(given) == 1 else given)
    return int(counter.get_total_flops()) // 2, made.numel()


def numbers(weights: list[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def check(model: Any, network: Network, *sizes: tuple[int, ...]) -> None:
    assert (network.multiply_adds, network.output.shape.elements) == ran(model, *sizes)
    check_parameters(model, network)
    for node in network.nodes:  # what it reads is all that its sources make, in these sizes or others
        slots = node.slots or (0,) * len(node.inputs)
        made = [source.values[slot].shape.elements for source, slot in zip(node.inputs, slots, strict=True)]
        assert [shape.elements for shape in node.input_shapes] == made


def check_parameters(model: Any, network: Network) -> None:
    params = network.ledger.params
    assert params.trainable == numbers(model.trainable_weights)
    assert params.buffer + params.frozen == numbers(model.non_trainable_weights)
    assert params.parameters + params.buffer == model.count_params()


#: One of each family; at night all. NASNet is not built on PyTorch by Keras itself.
APPLICATIONS = [name for name in dir(keras.applications) if name[0].isupper() and not name.startswith("NASNet")]
CHOSEN = APPLICATIONS if NIGHTLY else [
    "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2", "InceptionV3",
    "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small", "ResNet50", "ResNet50V2", "VGG16", "Xception",
]  # fmt: skip


@pytest.mark.parametrize("name", CHOSEN)
def test_an_application_of_keras_costs_what_keras_and_pytorch_say(name: str) -> None:
    with without_numbers():
        model = getattr(keras.applications, name)(weights=None)
    size = tuple(224 if size is None else size for size in model.inputs[0].shape[1:])
    network = cm.from_keras(model, size)
    check(model, network, size)
    named = {layer.name for layer in model._flatten_layers(include_self=False)}
    assert {node.name.split(".")[0].split(":")[0] for node in network.nodes} <= named | {
        operation.name for operation in model.operations
    }


IMAGE, SEQUENCE = (16, 12, 6), (10, 8)
#: A layer, and the sizes of one sample of each input.
LAYERS: dict[str, tuple[Callable[[], Any], tuple[tuple[int, ...], ...]]] = {
    "Conv1D": (lambda: layers.Conv1D(4, 3, padding="causal", dilation_rate=2), (SEQUENCE,)),
    "Conv2D": (lambda: layers.Conv2D(4, (3, 2), (2, 1), "same", groups=2, activation="relu"), (IMAGE,)),
    "Conv3D": (lambda: layers.Conv3D(4, 2, use_bias=False), ((4, 5, 6, 3),)),
    "DepthwiseConv1D": (lambda: layers.DepthwiseConv1D(3, padding="same"), (SEQUENCE,)),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(3, 2, depth_multiplier=2), (IMAGE,)),
    "SeparableConv1D": (lambda: layers.SeparableConv1D(5, 3), (SEQUENCE,)),
    "SeparableConv2D": (lambda: layers.SeparableConv2D(5, 3, 2, "same", depth_multiplier=2), (IMAGE,)),
    "Conv1DTranspose": (lambda: layers.Conv1DTranspose(4, 3, 2), (SEQUENCE,)),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(4, 3, 2, "same"), (IMAGE,)),
    "Dense": (lambda: layers.Dense(7, activation="softmax"), (IMAGE,)),
    "EinsumDense": (lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 5), bias_axes="de"), (SEQUENCE,)),
    "EinsumDense of two axes": (lambda: layers.EinsumDense("abcd,cde->abe", (None, 5), bias_axes="e"), (IMAGE,)),
    "EinsumDense of a batch": (lambda: layers.EinsumDense("abc,bcd->abd", (10, 5)), (SEQUENCE,)),
    "BatchNormalization": (lambda: layers.BatchNormalization(scale=False), (IMAGE,)),
    "LayerNormalization": (lambda: layers.LayerNormalization(center=False), (SEQUENCE,)),
    "RMSNormalization": (layers.RMSNormalization, (SEQUENCE,)),
    "GroupNormalization": (lambda: layers.GroupNormalization(3), (IMAGE,)),
    "PReLU": (lambda: layers.PReLU(shared_axes=[1, 2]), (IMAGE,)),
    "MaxPooling2D": (lambda: layers.MaxPooling2D(3, 2, "same"), (IMAGE,)),
    "AveragePooling1D": (lambda: layers.AveragePooling1D(2), (SEQUENCE,)),
    "GlobalAveragePooling2D": (layers.GlobalAveragePooling2D, (IMAGE,)),
    "GlobalMaxPooling1D": (layers.GlobalMaxPooling1D, (SEQUENCE,)),
    "ZeroPadding2D": (lambda: layers.ZeroPadding2D(((1, 0), (2, 3))), (IMAGE,)),
    "Cropping2D": (lambda: layers.Cropping2D(1), (IMAGE,)),
    "UpSampling2D": (lambda: layers.UpSampling2D(2, interpolation="bilinear"), (IMAGE,)),
    "Reshape": (lambda: layers.Reshape((-1, 6)), (IMAGE,)),
    "Permute": (lambda: layers.Permute((2, 1)), (SEQUENCE,)),
    "Add": (layers.Add, (IMAGE, IMAGE)),
    "Multiply": (layers.Multiply, (IMAGE, (1, 1, 6))),
    "Concatenate": (layers.Concatenate, (IMAGE, IMAGE)),
    "Average": (layers.Average, (IMAGE, IMAGE)),
    "SimpleRNN": (lambda: layers.SimpleRNN(5), (SEQUENCE,)),
    "LSTM": (lambda: layers.LSTM(5, return_sequences=True), (SEQUENCE,)),
    "GRU": (lambda: layers.GRU(5), (SEQUENCE,)),
    "GRU of one bias": (lambda: layers.GRU(5, reset_after=False), (SEQUENCE,)),
    "Bidirectional": (lambda: layers.Bidirectional(layers.LSTM(5), merge_mode="sum"), (SEQUENCE,)),
    "TimeDistributed": (lambda: layers.TimeDistributed(layers.Conv2D(3, 3)), ((4, 9, 9, 2),)),
    "MultiHeadAttention": (lambda: Attending(2, 3, value_dim=5), (SEQUENCE,)),
    "GroupQueryAttention": (lambda: Grouped(4, 4, 2), (SEQUENCE,)),
    "Attention": (layers.Attention, (SEQUENCE, (7, 8))),
    "AdditiveAttention": (layers.AdditiveAttention, (SEQUENCE, (7, 8))),
    "SpatialDropout2D": (lambda: layers.SpatialDropout2D(0.5), (IMAGE,)),
    "Rescaling": (lambda: layers.Rescaling(1 / 255), (IMAGE,)),
    "RandomFlip": (layers.RandomFlip, (IMAGE,)),
}


#: Keras on PyTorch runs these layers in a loop of its own.
RUNS_A_STEP_MORE = ("SimpleRNN", "GRU of one bias")


class Attending(layers.MultiHeadAttention):
    """Of a tensor with itself, by a layer that is not Keras's own."""

    def __init__(self, heads: int, wide: int, **more: Any) -> None:
        super().__init__(heads, wide, **more)
        self.inner = layers.MultiHeadAttention(heads, wide, **more)

    def build(self, shape: Any) -> None:
        self.inner.build(shape, shape)
        self.built = True

    def call(self, x: Any) -> Any:
        return self.inner(x, x)

    def compute_output_spec(self, x: Any) -> Any:
        return keras.KerasTensor(x.shape, x.dtype)


class Grouped(layers.Layer):
    """Attention whose keys serve several queries."""

    def __init__(self, wide: int, heads: int, own: int) -> None:
        super().__init__()
        self.inner = layers.GroupQueryAttention(wide, heads, own)

    def call(self, x: Any) -> Any:
        return self.inner(x, x, use_causal_mask=True)


def of_layer(make: Callable[[], Any], sizes: tuple[tuple[int, ...], ...]) -> Any:
    inputs = [keras.Input(size) for size in sizes]
    return keras.Model(inputs, make()(inputs if len(inputs) > 1 else inputs[0]))


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_costs_what_a_run_says_and_makes_what_keras_says(name: str) -> None:
    make, sizes = LAYERS[name]
    model = of_layer(make, sizes)
    network = cm.from_keras(model)
    if name in RUNS_A_STEP_MORE:  # to see what a step makes, and throws it away
        assert network.multiply_adds * (SEQUENCE[0] + 1) == ran(model, *sizes)[0] * SEQUENCE[0]
        check_parameters(model, network)
    else:
        check(model, network, *sizes)
    assert not any(isinstance(node.layer, Uncounted) for node in network.nodes)


class Block(layers.Layer):
    """Weights of its own, an operation, and a layer that it calls twice."""

    def __init__(self, name: str = "block") -> None:
        super().__init__(name=name)
        self.dense = layers.Dense(8, activation="gelu", name="inner")

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(8,), name="gamma")
        self.kernel = self.add_weight(shape=(shape[-1], 8), name="kernel")
        self.dense.build((*shape[:-1], 8))

    def call(self, x: Any, training: bool = False) -> Any:
        if training:
            raise AssertionError("it is read as it is at inference")
        return self.dense(self.dense(ops.matmul(x, self.kernel) * self.scale))


def test_a_layer_of_ones_own_is_read_by_the_calls_that_its_code_makes() -> None:
    x = keras.Input((5, 3))
    model = keras.Model(x, Block(name="block")(x))
    network = cm.from_keras(model)
    check(model, network, (5, 3))
    assert network.multiply_adds == 5 * (3 * 8 + 2 * 8 * 8)
    assert [node.name for node in network.nodes if node.macs] == ["block.matmul", "block.inner", "block.inner:2"]


class Positions(layers.Layer):
    """Adds a table of positions, which it reads at numbers that depend on no sample."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = layers.Embedding(50, 8), layers.Embedding(6, 8)

    def call(self, x: Any) -> Any:
        return self.words(x) + self.positions(ops.arange(0, 6))


def test_weights_that_code_makes_constants_of_are_stored_and_cost_nothing() -> None:
    x = keras.Input((6,), dtype="int32")
    model = keras.Model(x, layers.Dense(3)(Positions()(x)))
    network = cm.from_keras(model)
    check_parameters(model, network)
    assert network.multiply_adds == 6 * 8 * 3
    assert network.parameters == 50 * 8 + 6 * 8 + 8 * 3 + 3
    # A wrapper of Keras's own, whose vector only training changes.
    x = keras.Input((8, 8, 2))
    model = keras.Model(x, layers.SpectralNormalization(layers.Conv2D(4, 3))(x))
    check(model, cm.from_keras(model), (8, 8, 2))


class Subclassed(keras.Model):
    """No graph of Keras's own."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.pool, self.dense = layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.dense(self.pool(ops.relu(self.convolution(x))))


def test_a_model_with_a_call_of_its_own_is_read_by_the_calls_that_it_makes() -> None:
    model = Subclassed()
    with pytest.raises(CostModelError, match="is not built and knows no sizes; run the model once"):
        cm.from_keras(model, (8, 8, 1))
    model(torch.zeros(1, 8, 8, 1))
    check(model, cm.from_keras(model, (8, 8, 1)), (8, 8, 1))
    with pytest.raises(CostModelError, match="its input is not known; give the sizes"):
        cm.from_keras(model)


class Foreign(layers.Layer):
    """Computes with PyTorch itself."""

    def call(self, x: Any) -> Any:
        return torch.cumsum(x, 1)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


def test_code_that_keras_cannot_follow_is_named_or_not_counted() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(3)(Foreign(name="odd")(x)))
    with pytest.raises(CostModelError, match=r"1 .*Foreign, whose code Keras cannot follow: .* \(odd\);"):
        cm.from_keras(model)
    network = cm.from_keras(model, allow_uncounted=True)
    assert network.multiply_adds == 12
    assert [node.name for node in network.nodes if isinstance(node.layer, Uncounted)] == ["odd"]


def test_what_does_not_train_is_frozen_and_counts_once() -> None:
    shared = layers.Dense(8)
    x = keras.Input((8,))
    model = keras.Model(x, layers.BatchNormalization()(shared(shared(x))))
    shared.trainable = False
    network = cm.from_keras(model)
    check(model, network, (8,))
    assert network.ledger.params.frozen == 8 * 8 + 8
    assert network.ledger.params.trainable == 2 * 8


def test_a_model_in_a_model_and_other_sizes() -> None:
    first = layers.Conv2D(4, 3, name="first")
    inner = keras.Sequential([keras.Input((None, None, 3)), first, layers.ReLU()], name="in")
    x = keras.Input((None, None, 3))
    model = keras.Model(x, inner(first(x)[..., :3]))
    with pytest.raises(CostModelError, match=r"has open sizes, \?x\?x3; give them"):
        cm.from_keras(model)
    for size in ((16, 20, 3), (9, 9, 3)):
        check(model, cm.from_keras(model, size), size)
    names = [node.name for node in cm.from_keras(model, (9, 9, 3)).nodes if node.macs]
    assert names == ["first", "in.first"]
    fixed = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3)], name="fixed")
    with pytest.raises(CostModelError, match=r"the input .* is built for 8x8x3, not for 9x9x3; build it for that"):
        cm.from_keras(fixed, (9, 9, 3))
    with pytest.raises(CostModelError, match="2 inputs are given, and it reads 1"):
        cm.from_keras(fixed, [(8, 8, 3), (8, 8, 3)])


def test_the_model_is_only_read() -> None:
    x = keras.Input((5, 3), name="x")
    block = Block()
    model = keras.Model(x, block(x))
    parts = list(model._flatten_layers())

    def state() -> list[object]:
        calls = [(part.name, len(part._inbound_nodes), len(part._outbound_nodes), part.trainable) for part in parts]
        return [*calls, [id(weight) for weight in model.weights], layers.Dense(1).name.split("_")[0]]

    before, counted = state(), int(layers.Dense(1).name.rpartition("_")[2])
    first = cm.from_keras(model)
    assert state() == before
    assert int(layers.Dense(1).name.rpartition("_")[2]) > counted  # names go on as before
    assert cm.from_keras(model).nodes[-1].name == first.nodes[-1].name


def test_names_of_a_model_that_is_built_by_name_are_the_same_each_time() -> None:
    nets = [cm.load("keras.applications:MobileNet", "64x64x3", alpha=0.25) for _ in range(2)]
    names = [[node.name for node in net.nodes] for net in nets]
    assert names[0] == names[1]
    assert names[0][0] == "input_layer"
    assert nets[0].config == {"alpha": 0.25, "input_shape": (64, 64, 3)}


@pytest.mark.parametrize("name", list(KERAS_MODELS) if NIGHTLY else list(KERAS_MODELS)[:9])
def test_an_architecture_equals_keras_layer_by_layer(name: str) -> None:
    choices = {"alpha": 0.75, "resolution": 192} if "mobilenet" in name and name[-5:] not in ("large", "small") else {}
    result = against_keras(name, choices)
    assert result.difference is None
    assert result.network.multiply_adds == result.keras.multiply_adds
    assert len(result.pairs) > 10


def test_a_difference_from_keras_is_named() -> None:
    # Keras cuts 44.8 channels to 44, the slim models round to the nearest multiple of 8.
    answer = run("verify", "mobilenet_v1", "--alpha", "1.4", "--against", "keras")
    assert answer.status == 1
    assert answer.out.splitlines()[0] == (
        "mobilenet_v1 differs from Keras's MobileNet at features.0.conv (conv1 in Keras): channels 48 here, 44 in Keras"
    )
    assert "keras.applications has no lenet; it has mobilenet_v1, " in refusal("verify", "lenet", "--against", "keras")


def test_the_command_counts_an_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    counted = ("count", "keras.applications:MobileNet", "--kwargs", "alpha=0.75", "--input", "192x192x3")
    found = json.loads(run(*counted, "--format", "json").out)
    assert (found["multiply_adds"], found["parameters"]) == (239_273_472, 2_585_560)
    keras.applications.MobileNet((192, 192, 3), alpha=0.75, weights=None).save("small.keras")
    saved = json.loads(run("count", "small.keras", "--format", "json").out)
    assert (saved["multiply_adds"], saved["parameters"]) == (239_273_472, 2_585_560)
    assert json.loads(run("memory", "small.keras", "--format", "json").out)["peak_bytes"] > 0


def small() -> dict[str, Any]:
    """What a ``.keras`` file says of a small model."""
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu"), layers.Dense(2)])
    path = io.BytesIO()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(keras.saving.serialize_keras_object(model)))
    config = json.loads(zipfile.ZipFile(path).read("config.json"))
    assert isinstance(config, dict)
    return config


def written(path: Path, config: object) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config if isinstance(config, (str, bytes)) else json.dumps(config))
    return str(path)


def with_layer(layer: dict[str, Any]) -> dict[str, Any]:
    config = small()
    config["config"]["layers"].append(layer)
    return config


HOSTILE: dict[str, tuple[object, str]] = {
    "code": (
        with_layer({"module": "os", "class_name": "system", "config": {"command": "true"}}),
        "it names 'system' of",
    ),
    "own class": (with_layer({"module": "mine", "class_name": "Own", "config": {}}), "which is not Keras's own"),
    "lambda": (
        with_layer({"module": "keras.layers", "class_name": "Lambda", "config": {"function": {}}}),
        "nobody has decided what the layer Lambda costs",
    ),
    "vocabulary": (
        with_layer({"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}),
        "nobody has decided what the layer StringLookup costs",
    ),
    "download": (
        with_layer({"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://example.com"}}),
        "it names 'get_file' of 'keras.utils', which is not Keras's own",
    ),
    "no model": ([1, 2], "its config.json describes no model"),
    "no JSON": ("{", "its config.json is no JSON"),
    "nesting": ("[" * 100_000, "its config.json is no JSON"),
    "large": (b" " * (65 << 20), "its config.json has over 64 MiB"),
    "a size": (
        with_layer({"module": "keras.layers", "class_name": "Dense", "config": {"units": 2**70}}),
        "Keras cannot build it",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    config, message = HOSTILE[name]
    path = written(tmp_path / "model.keras", config)
    with pytest.raises(CostModelError) as error:
        cm.from_keras(path)
    text = str(error.value)
    assert text.startswith("model.keras: ")
    assert message in text
    assert len(text.splitlines()) == 1


def test_what_is_no_keras_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"not a zip file")
    assert "is no whole .keras file" in refusal("count", str(tmp_path / "model.keras"))
    with zipfile.ZipFile(tmp_path / "empty.keras", "w"):
        pass
    assert "is no whole .keras file" in refusal("count", str(tmp_path / "empty.keras"))
    with pytest.raises(CostModelError, match=r"takes a Keras model or the path of a \.keras file, not an int"):
        cm.from_keras(3)


def test_a_damaged_file_is_counted_or_refused_in_one_line(tmp_path: Path) -> None:
    chance = random.Random(15)
    path = Path(written(tmp_path / "model.keras", small()))
    whole, text = path.read_bytes(), json.dumps(small())
    refused = 0
    for number in range(2000 if NIGHTLY else 60):
        if number % 2:  # a byte of the archive, or of the text in it
            place = chance.randrange(len(whole))
            path.write_bytes(whole[:place] + bytes([chance.randrange(256)]) + whole[place + 1 :])
        else:
            place = chance.randrange(len(text))
            written(path, text[:place] + chance.choice('0"{}[]9x,:') + text[place + 1 :])
        try:
            cm.from_keras(str(path))
        except CostModelError as error:
            refused += 1
            assert len(str(error).splitlines()) == 1
    assert refused
