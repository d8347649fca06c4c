"""What changed between two networks, and which layer is to blame."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel import Network, apply, image, load
from costmodel.core.layers import Concat, pointwise_conv
from costmodel.guard.align import align
from costmodel.guard.choice_text import parse_choices
from costmodel.guard.cost import LayerCost, ModelCost, cost_of
from costmodel.guard.diff import Cause, Difference, difference
from costmodel.report.guard import tree
from costmodel.report.units import si
from tests.guard.nets import student


def between(old: Network, new: Network) -> Difference:
    return difference(cost_of(old, "m"), cost_of(new, "m"))


def causes(old: Network, new: Network) -> list[str]:
    return tree.causes(between(old, new))


# The student's layers at 16x16: expand 8 -> 48 costs 8*48*256 = 98,304; depthwise 9*48*256 = 110,592;
# project 48*8*256 = 98,304; the stem 27*8*256 = 55,296; the classifier 80.
STUDENT = 55_296 + 3 * (98_304 + 110_592 + 98_304) + 80


def test_the_student_is_counted_by_hand() -> None:
    assert student().multiply_adds == STUDENT


def test_a_wider_layer_is_to_blame_for_those_that_read_it() -> None:
    # 16 channels more: 8*16*256 in expand and in project, 9*16*256 in depthwise.
    found = between(student(), student(hidden=64))
    assert found.multiply_adds == 16 * 256 * (8 + 8 + 9)
    assert tree.lines(found) == [
        "body.1.expand 48 -> 64 channels: +102.4 k (+10.5 %), +400 parameters",
        "  body.1.depthwise: +36.9 k (+3.8 %), +144 parameters",
        "  body.1.expand: +32.8 k (+3.4 %), +128 parameters",
        "  body.1.project: +32.8 k (+3.4 %), +128 parameters",
    ]


def test_a_stride_is_to_blame_for_all_that_is_smaller_after_it() -> None:
    # Block 1 has no sum with a stride: that is a layer removed, and it costs no multiply-adds.
    found = causes(student(), student(stride=2))
    lost = 3 * 110_592 // 4 + 3 * 98_304 // 4 + 3 * (98_304 + 110_592 + 98_304) // 4
    assert found == [
        f"body.1.depthwise stride 1x1 -> 2x2: -{lost / 1000:.1f} k (-{100 * lost / STUDENT:.1f} %)",
        "body.1.add removed: no change in cost",
    ]


def test_an_input_is_to_blame_for_everything() -> None:
    (found,) = between(student(), student(resolution=32)).causes
    assert (found.kind, found.own[0].layer.name) == ("changed", "input")
    assert found.multiply_adds == 3 * (STUDENT - 80)  # four times the positions, but for the classifier
    assert causes(student(), student(resolution=32)) == ["input 3x16x16 -> 3x32x32: +2.9 M (+300.0 %)"]


def test_other_names_are_renamed_and_cost_nothing() -> None:
    found = between(student(), student(trunk="trunk"))
    assert [(cause.kind, len(cause.own), cause.multiply_adds) for cause in found.causes] == [("renamed", 12, 0)]
    assert tree.lines(found) == ["body renamed to trunk (12 layers): no change in cost"]


def test_a_block_that_was_added_or_removed_is_one_change() -> None:
    block = 98_304 + 110_592 + 98_304
    (added,) = between(student(), student(blocks=4)).causes
    assert (added.kind, len(added.own), added.multiply_adds) == ("added", 4, block)
    assert causes(student(blocks=4), student()) == [
        "body.3 removed (4 layers): -307.2 k (-23.9 %), -1.2 k parameters",
    ]


def test_a_block_in_the_middle_renames_those_after_it() -> None:
    # ResNet-50 to -101: 17 blocks in stage 3, each 256*1024 + 9*256*256 + 256*1024 weights at 14x14.
    found = between(load("resnet50"), load("resnet101"))
    weights = 1024 * 256 + 9 * 256 * 256 + 256 * 1024
    assert {(cause.kind, cause.multiply_adds) for cause in found.causes} == {("added", weights * 14 * 14)}
    assert len(found.causes) == 17
    # A block in front of another stage moves the numbers of all that follow.
    names = [(cause.kind, cause.own[0].layer.name) for cause in _inserted().causes]
    assert names == [("added", "body.1.expand"), ("renamed", "body.2.expand"), ("renamed", "body.3.expand")]


def _inserted() -> Difference:
    old = cost_of(student(hidden=64), "m")
    new = cost_of(student(hidden=32, blocks=4), "m")
    # The wide block is number 1 in the old network and number 2 in the new.
    wide = [
        layer._replace(name=layer.name.replace("body.1", "body.2")) for layer in old.layers if "body.1" in layer.name
    ]
    layers = [layer for layer in new.layers if "body.2" not in layer.name]
    place = next(index for index, layer in enumerate(layers) if layer.name == "body.3.expand")
    return difference(old, ModelCost("m", (*layers[:place], *wide, *layers[place:])))


def conv(name: str, reads: str, makes: str, kind: str = "conv", choices: str = "kernel 1x1") -> LayerCost:
    return LayerCost(name, kind, parse_choices(choices), reads, makes, 10, 1)


def branches(width: int) -> Network:
    """Two convolutions that read the same and make the same; after both of them, a third reads the first alone."""
    x = image(3, 4)
    left, right = (apply(x, side, pointwise_conv(width)) for side in ("left", "right"))
    both = apply((left, right), "both", Concat())
    return Network(apply((both, apply(left, "left2", pointwise_conv(8))), "end", Concat()), "branches")


def test_a_branch_is_put_down_to_the_layer_that_it_reads() -> None:
    old, new = (cost_of(branches(width), "m") for width in (16, 24))
    assert [layer.name for layer in new.layers] == ["input", "left", "right", "both", "left2", "end"]
    # By hand, at 16 positions: 8 channels more are 3 * 8 multiply-adds to make, and 8 * 8 to read.
    assert {cause.own[0].layer.name: cause.multiply_adds for cause in difference(old, new).causes} == {
        "left": 16 * (3 * 8 + 8 * 8),
        "right": 16 * (3 * 8),
    }


def test_between_two_locks_all_layers_that_may_be_followed_are_named() -> None:
    old, new = (ModelCost("m", cost_of(branches(width), "m").layers) for width in (16, 24))
    assert tree.causes(difference(old, new)) == [
        "right 16 -> 24 channels: +1.4 k (+39.3 %), +88 parameters (some of it perhaps by left)",
        "left 16 -> 24 channels: +384 (+10.7 %), +24 parameters",
    ]


def test_what_reads_an_added_or_removed_layer_follows_it() -> None:
    alone = (conv("a", "", "8x4x4"), conv("c", "8x4x4", "6x4x4"))
    both = (alone[0], conv("b", "8x4x4", "12x4x4", "resize"), alone[1]._replace(reads="12x4x4", multiply_adds=15))
    for old, new, kind, gain in ((alone, both, "added", 15), (both, alone, "removed", -15)):
        (cause,) = difference(ModelCost("m", old), ModelCost("m", new)).causes
        assert (cause.kind, cause.multiply_adds, [change.layer.name for change in cause.followers]) == (
            kind,
            gain,
            ["c"],
        )


def test_a_layer_that_is_wider_itself_does_not_follow() -> None:
    old = (conv("a", "3x4x4", "8x4x4"), conv("b", "8x4x4", "8x4x4"), conv("c", "8x4x4", "8x4x4"))
    new = (old[0]._replace(makes="9x4x4"), conv("b", "9x4x4", "10x4x4"), conv("c", "10x4x4", "8x4x4"))
    found = difference(ModelCost("m", old), ModelCost("m", new)).causes
    assert [[change.layer.name for change in (*cause.own, *cause.followers)] for cause in found] == [["a"], ["b", "c"]]


def test_a_depthwise_layer_follows_unless_its_multiplier_changed() -> None:
    def network(channels: int, multiplier: int) -> ModelCost:
        middle, last = f"{channels}x4x4", f"{channels * multiplier}x4x4"
        depthwise = conv("b", middle, last, "depthwise_conv", f"kernel 3x3, groups {channels}, no bias")
        return ModelCost("m", (conv("a", "3x4x4", middle), depthwise))

    def blamed(new: ModelCost) -> list[str]:
        return [cause.own[0].layer.name for cause in difference(network(8, 1), new).causes]

    assert (blamed(network(9, 1)), blamed(network(9, 2)), blamed(network(8, 2))) == (["a"], ["a", "b"], ["b"])


def test_another_kind_of_layer_in_the_same_place_is_a_change() -> None:
    old = cost_of(student(), "m")
    layers = [layer._replace(kind="relu6") if layer.kind == "relu" else layer for layer in old.layers]
    assert tree.causes(difference(old, ModelCost("m", tuple(layers)))) == [
        "stem.activation relu -> relu6: no change in cost"
    ]


def test_a_model_that_comes_or_goes() -> None:
    cost = cost_of(student(), "m")
    new, gone = difference(None, cost), difference(cost, None)
    assert (new.changed, gone.changed, new.multiply_adds, gone.multiply_adds) == (True, True, STUDENT, -STUDENT)
    assert not difference(cost, cost_of(student(), "m")).changed


NAMES = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2", "resnet18", "googlenet", "lenet")


@cache
def cost(name: str, classes: int) -> ModelCost:
    return cost_of(load(name, num_classes=classes), "m")


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", NAMES)
def test_every_layer_is_accounted_for_once(first: str, second: str) -> None:
    old, new = cost(first, 10), cost(second, 11)
    found = difference(old, new)
    olds = [layer for cause in found.causes for layer in _sides(cause, "old")]
    news = [layer for cause in found.causes for layer in _sides(cause, "new")]
    renamed_or_not = {theirs for _, theirs in found.kept}
    assert len(olds) + sum(old.layers[mine] == new.layers[theirs] for mine, theirs in found.kept) == len(old.layers)
    assert len(news) + sum(old.layers[mine] == new.layers[theirs] for mine, theirs in found.kept) == len(new.layers)
    assert len(renamed_or_not) == len(found.kept)
    for quantity in ("multiply_adds", "parameters"):
        total = getattr(new, quantity) - getattr(old, quantity)
        assert sum(getattr(cause, quantity) for cause in found.causes) == total == getattr(found, quantity)
    sizes = [abs(cause.multiply_adds) for cause in found.causes]
    assert sizes == sorted(sizes, reverse=True)


def _sides(cause: Cause, side: str) -> list[LayerCost]:
    return [layer for change in (*cause.own, *cause.followers) if (layer := getattr(change, side))]


# --- the alignment, against all alignments there are -----------------------------------------------------------------

few = st.builds(
    LayerCost,
    st.sampled_from(["a.conv", "b.conv", "b.norm"]),
    st.sampled_from(["conv", "relu"]),
    st.just(""),
    st.sampled_from(["1", "2"]),
    st.just("1"),
    st.just(0),
    st.just(0),
)


def weight(old: LayerCost, new: LayerCost) -> int:
    last_equal = old.name.split(".")[-1] == new.name.split(".")[-1]
    if old[1:] == new[1:]:
        return 0 if old.name == new.name else 2 if last_equal else 3
    if old.name == new.name:
        return 3 if old.kind == new.kind else 5
    return 9 if old.kind != new.kind else 5 if last_equal else 6


def lightest(old: tuple[LayerCost, ...], new: tuple[LayerCost, ...]) -> int:
    if not old or not new:
        return 4 * (len(old) + len(new))
    return min(
        weight(old[0], new[0]) + lightest(old[1:], new[1:]),
        4 + lightest(old[1:], new),
        4 + lightest(old, new[1:]),
    )


@given(st.lists(few, max_size=4).map(tuple), st.lists(few, max_size=4).map(tuple))
def test_no_alignment_of_what_differs_is_lighter(old: tuple[LayerCost, ...], new: tuple[LayerCost, ...]) -> None:
    pairs = align(old, new)
    assert [mine for mine, _ in pairs if mine is not None] == list(range(len(old)))
    assert [theirs for _, theirs in pairs if theirs is not None] == list(range(len(new)))
    if old and new and old[0] != new[0] and old[-1] != new[-1]:  # equal ends are paired before anything is weighed
        found = sum(4 if None in pair else weight(old[pair[0]], new[pair[1]]) for pair in pairs)  # type: ignore[index]
        assert found == lightest(old, new)


def test_very_long_networks_are_matched_by_name() -> None:
    old = [LayerCost(f"layer{number}", "conv", (), "1", "1", 1, 1) for number in range(1100)]
    new = [layer._replace(multiply_adds=2) for layer in old[5:]]
    assert align(old, new) == [(place, None) for place in range(5)] + [(place, place - 5) for place in range(5, 1100)]


def of_size(network: Network, size: int) -> tuple[int, int]:
    """Multiply-adds and parameters of all that makes maps of ``size`` x ``size``."""
    nodes = [node for node in network.nodes if node.shape.spatial == (size, size)]
    return sum(node.macs for node in nodes), sum(node.params.parameters for node in nodes)


def test_two_networks_with_little_in_common_are_compared_by_the_size_of_their_maps() -> None:
    old, new = load("mobilenet_v1"), load("mobilenet_v2")
    text = tree.lines(difference(cost_of(old, "m"), cost_of(new, "m")))
    assert text[0] == "20 % of the layers agree, so the two are compared by the size of the maps that layers make:"
    for size in (112, 56, 28, 14, 7):
        (macs, stored), (new_macs, new_stored) = of_size(old, size), of_size(new, size)
        counts = f"{si(macs)} -> {si(new_macs)} multiply-adds, {si(stored)} -> {si(new_stored)} parameters"
        assert f"{size}x{size}: {counts}" in text
    assert text[-1].startswith("vectors and sequences: 1.0 M -> 1.3 M multiply-adds")
    assert len(text) == 7


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (load("mobilenet_v1"), load("mobilenet_v1", alpha=0.5)),
        (load("resnet18"), load("resnet34")),
        (load("mobilenet_v2"), load("mobilenet_v3_large")),
    ],
)
def test_a_network_that_is_wider_or_deeper_is_told_layer_by_layer(old: Network, new: Network) -> None:
    assert "agree" not in "".join(tree.lines(difference(cost_of(old, "m"), cost_of(new, "m"))))
