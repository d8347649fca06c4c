"""Every architecture's names and choices, and the numbers that are known exactly."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from doctest import DocTestFinder, DocTestRunner

import pytest

import costmodel as cm
from costmodel import CostModelError, Network, load
from costmodel.core.graph import image
from costmodel.core.layers import RELU6, conv, depthwise_conv
from costmodel.models.blocks import conv_bn, depthwise_separable, inverted_residual
from costmodel.models.registry import FAMILIES, architecture, architectures, names

NAMES = names()


def arguments_of(name: str) -> Mapping[str, inspect.Parameter]:
    return architecture(name.partition(":")[0]).choices


@pytest.mark.parametrize(
    ("net", "multiply_adds", "parameters"),
    [
        (cm.mobilenet_v1(), 568_740_352, 4_231_976),
        (cm.mobilenet_v1(alpha=0.75, resolution=192), 239_273_472, 2_585_560),
        (cm.mobilenet_v2(), 300_774_272, 3_504_872),
        (cm.mobilenet_v2(alpha=1.4), 582_195_824, 6_108_776),
        (cm.mobilenet_v2(alpha=0.35, resolution=96), 11_934_128, 1_677_128),
    ],
)
def test_numbers_known_exactly(net: Network, multiply_adds: int, parameters: int) -> None:
    assert (net.multiply_adds, net.parameters, net.flops) == (multiply_adds, parameters, 2 * multiply_adds)


def test_mobilenet_v1_shares_are_those_of_the_papers_table_2() -> None:
    """arXiv:1704.04861 Table 2, of which the 1.19 % for the 3x3 convolution is a misprint of 1.91."""
    parts = cm.mobilenet_v1().ledger.by("type")
    total = cm.mobilenet_v1().multiply_adds
    printed = {"conv 1x1": 94.86, "depthwise conv 3x3": 3.06, "conv 3x3": 1.91, "linear": 0.18}
    assert {name: round(100 * parts[name].multiply_adds / total, 2) for name in printed} == printed
    weights = cm.mobilenet_v1().weights
    printed = {"conv 1x1": 74.59, "depthwise conv 3x3": 1.06, "conv 3x3": 0.02, "linear": 24.33}
    assert {name: round(100 * parts[name].weights / weights, 2) for name in printed} == printed


def test_mobilenet_v1_shapes_are_those_of_the_papers_table_1() -> None:
    # (input size, input channels) of each row of arXiv:1704.04861 Table 1
    printed = [(224, 3), (112, 32), (112, 64), (56, 128), (56, 128), (28, 256), (28, 256), *[(14, 512)] * 6]
    printed += [(7, 1024), (7, 1024)]
    blocks = list(cm.mobilenet_v1().ledger.by("block").values())[:15]
    assert [(block.input.spatial[0], block.input.channels) for block in blocks] == printed


def test_a_stride_on_a_single_position_still_forbids_the_residual_sum() -> None:
    x = image(24, 1)
    strided = inverted_residual(x, "block", depthwise_conv(144, 3, stride=2, padding=1), 24, RELU6)
    plain = inverted_residual(x, "block", depthwise_conv(144, 3, padding=1), 24, RELU6)
    assert strided.shape == plain.shape == x.shape
    assert (strided.name, plain.name) == ("block.project.norm", "block.add")


def test_blocks_name_their_parts() -> None:
    x = conv_bn(image(3, 32), "stem", conv(8, 3, stride=2, padding=1), RELU6)
    x = depthwise_separable(x, "first", depthwise_conv(8, 3, padding=1), 16, RELU6)
    names = [node.name for node in Network(x).nodes]
    assert names[:4] == ["input", "stem.conv", "stem.norm", "stem.activation"]
    assert names[4:7] == ["first.depthwise.conv", "first.depthwise.norm", "first.depthwise.activation"]
    assert names[7:] == ["first.pointwise.conv", "first.pointwise.norm", "first.pointwise.activation"]


def test_every_family_knows_its_names() -> None:
    assert [found.name for found in architectures()] == list(FAMILIES)
    for name in FAMILIES:
        assert getattr(cm, name) is architecture(name).build
        assert name in cm.__all__
        assert "" in architecture(name).variants
        assert all(parameter.default is not inspect.Parameter.empty for parameter in arguments_of(name).values())


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_called_by_the_name_that_builds_it(name: str) -> None:
    assert load(name).name == name


@pytest.mark.parametrize(
    ("name", "choices", "message"),
    [
        ("mobilnet_v2", {}, "no model is called 'mobilnet_v2'; did you mean mobilenet_v2? `costmodel models`"),
        ("mobilenet-v9", {}, "no model is called 'mobilenet-v9'; "),
        ("zzz", {}, "no model is called 'zzz'; `costmodel models` lists them all"),
        ("mobilenet_v2:scaled_head", {}, "has no variant 'scaled_head'; did you mean scaled-head? variants:"),
        ("mobilenet_v1", {"beta": 2}, "mobilenet_v1 takes no beta (beta=2 given); it takes alpha, resolution"),
        ("mobilenet_v1", {"alpha": 0}, "alpha=0 must be above 0 and at most 100"),
        ("mobilenet_v1", {"alpha": -0.5}, "alpha=-0.5 must be above 0"),
        ("mobilenet_v1", {"alpha": float("nan")}, "alpha=nan must be above 0"),
        ("mobilenet_v1", {"alpha": float("inf")}, "alpha=inf must be above 0"),
        ("mobilenet_v2", {"alpha": 1e9}, "alpha=1000000000.0 must be above 0 and at most 100"),
        ("mobilenet_v2", {"alpha": True}, "alpha=True must be above 0"),
        ("mobilenet_v2", {"resolution": 0}, "input: size=0 must be a whole number of at least 1"),
        ("mobilenet_v2", {"resolution": 224.0}, "input: size=224.0 must be a whole number of at least 1"),
        ("mobilenet_v2", {"in_channels": 0}, "input: channels=0 must be a whole number of at least 1"),
        ("mobilenet_v2", {"num_classes": 0}, "classifier: out_features=0 must be a whole number of at least 1"),
        ("mobilenet_v1:plain", {"resolution": 448}, "pool: a 7x7 average pool leaves 1024x2x2, and the classifier"),
        ("mobilenet_v1:plain", {"resolution": 128}, "pool: a 7x7 kernel does not fit on a 4x4 input"),
    ],
)
def test_bad_choices_are_named(name: str, choices: dict[str, object], message: str) -> None:
    with pytest.raises(CostModelError) as raised:
        load(name, **choices)
    assert message in str(raised.value)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_example_in_the_help_of_an_architecture_is_right(name: str) -> None:
    build = getattr(cm, name)
    (example,) = DocTestFinder(recurse=False).find(build, name, globs={name: build})
    assert DocTestRunner().run(example) == (0, 2)


def test_a_wrong_example_fails() -> None:
    def lenet5() -> None:
        """
        >>> lenet5().parameters
        61707
        """

    (example,) = DocTestFinder(recurse=False).find(lenet5, "lenet5", globs={"lenet5": cm.lenet5})
    assert DocTestRunner().run(example, out=lambda text: None).failed == 1


@pytest.mark.parametrize(
    ("values", "choices", "message"),
    [
        ((), {"beta": 2}, "got an unexpected keyword argument 'beta'"),
        ((1.0,), {"alpha": 1.0}, "multiple values for argument 'alpha'"),
        ((1.0,) * 7, {}, "too many positional arguments"),
    ],
)
def test_an_architecture_takes_arguments_as_any_function(
    values: tuple[float, ...], choices: dict[str, float], message: str
) -> None:
    assert cm.mobilenet_v1(0.5, 128).multiply_adds == cm.mobilenet_v1(alpha=0.5, resolution=128).multiply_adds
    with pytest.raises(TypeError, match=message):
        cm.mobilenet_v1(*values, **choices)
