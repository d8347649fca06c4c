"""What a capture remembers or copies its own way is what PyTorch and ``copy.deepcopy`` would make, for every kind."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from costmodel.capture.torch.meta_tensors import blank_module
from costmodel.capture.torch.shortcuts import Results
from tests.capture.test_shortcuts import alike

aten = torch.ops.aten
META = torch.device("meta")


def blank(*sizes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(sizes, dtype=dtype, device=META)


class Asked:
    """An operator that counts how often it is called."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0
        self._schema = function._schema

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.function(*args, **kwargs)


CALLS: dict[str, tuple[Any, Callable[[], tuple[Any, ...]]]] = {
    "product": (aten.mm.default, lambda: (blank(3, 4), blank(4, 5))),
    "convolution": (
        aten.convolution.default,
        lambda: (blank(1, 3, 8, 8), blank(4, 3, 3, 3), None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
    ),
    "several results": (aten.native_layer_norm.default, lambda: (blank(2, 6), [6], blank(6), blank(6), 1e-5)),
    "a list of results": (aten.unbind_copy.int, lambda: (blank(3, 4), 1)),
    "other strides": (aten.add.Tensor, lambda: (blank(4, 3).t(), blank(3, 4))),
    "other types": (aten.add.Tensor, lambda: (blank(3, 4, dtype=torch.float16), blank(3, 4))),
    "a parameter": (aten.mm.default, lambda: (blank(3, 4), nn.Parameter(blank(4, 5)))),
    "a number": (aten.mul.Tensor, lambda: (blank(3, dtype=torch.int64), 2.0)),
}


@pytest.mark.parametrize("case", CALLS)
def test_an_equal_call_is_answered_alike_and_asked_once(case: str) -> None:
    function, arguments = CALLS[case]
    results, asked = Results(), Asked(function)
    true = function(*arguments())
    answers = [results.of(asked, arguments(), {}) for _ in range(3)]
    assert asked.calls == 1
    for answer in answers:
        assert type(answer) is type(true)
        assert alike(answer, true) if isinstance(true, Tensor) else all(map(alike, answer, true))
    # Each in memory of its own.
    firsts = [answer if isinstance(answer, Tensor) else answer[0] for answer in answers]
    assert len({tensor.untyped_storage()._cdata for tensor in firsts}) == 3


@pytest.mark.parametrize(
    "second",
    [
        (blank(4, 3), blank(4, 3)),
        (blank(3, 4).to(torch.float16), blank(3, 4)),
        (blank(4, 3).t(), blank(3, 4)),
        (blank(3, 4), blank(1, 4)),
        (blank(3, 4), 2),
        (blank(3, 4), 2.0),
        (blank(3, 4), True),
    ],
)
def test_what_differs_in_anything_is_asked_for_itself(second: tuple[Any, ...]) -> None:
    results, asked = Results(), Asked(aten.add.Tensor)
    results.of(asked, (blank(3, 4), blank(3, 4)), {})
    assert alike(results.of(asked, second, {}), aten.add.Tensor(*second))
    assert asked.calls == 2
    results.of(asked, second, {"alpha": 2})
    assert asked.calls == 3


def test_1_1_0_and_true_are_three_questions() -> None:
    results, integers = Results(), blank(3, dtype=torch.int64)
    for number in (1, 1.0, True, 1):
        assert alike(results.of(aten.mul.Tensor, (integers, number), {}), aten.mul.Tensor(integers, number))


def test_the_default_type_is_part_of_the_question() -> None:
    results, integers = Results(), blank(3, dtype=torch.int64)
    for kind in (torch.float32, torch.float64):
        torch.set_default_dtype(kind)
        try:
            assert results.of(aten.true_divide.Tensor, (integers, 2), {}).dtype == kind
        finally:
            torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("function", "kwargs"),
    [(aten.add_.Tensor, {}), (aten.add.out, {"out": ...}), (aten.copy_.default, {}), (aten.mul_.Tensor, {})],
)
def test_what_is_written_to_is_what_comes_back(function: Any, kwargs: dict[str, Any]) -> None:
    results = Results()
    for _ in range(3):
        first, target = blank(3, 4), blank(3, 4)
        given = dict.fromkeys(kwargs, target)
        assert results.of(function, (first, blank(3, 4)), given) is (target if kwargs else first)


def test_a_result_that_shares_memory_is_never_remembered() -> None:
    results = Results()
    for _ in range(2):
        x = blank(3, 4)
        for function, arguments in ((aten._unsafe_view.default, (x, [12])), (aten.contiguous.default, (x,))):
            shared = results.of(function, arguments, {})
            assert shared.untyped_storage()._cdata == x.untyped_storage()._cdata


def test_real_values_are_computed() -> None:
    results = Results()
    for _ in range(2):
        assert results.of(aten.add.Tensor, (torch.ones(2), torch.ones(2)), {}).tolist() == [2, 2]


def test_a_refusal_is_not_remembered() -> None:
    results = Results()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="same reduction dim"):
            results.of(aten.mm.default, (blank(3, 4), blank(5, 6)), {})


class Tied(nn.Module):
    """Two names for one weight and for one module, a cycle, and attributes of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(3, 3), nn.Linear(3, 3)
        self.other.weight = self.one.weight
        self.again = self.one
        self.parts = nn.ModuleList([self.one, nn.Sequential(self.other)])
        self.register_buffer("steps", torch.zeros(()))
        self.options = {"sizes": [1, 2], "table": self.one.weight, "empty": {}}
        self.shared = self.alike = {"a": 1}
        self.nothing, self.ways = None, ("relu", 0.5)
        self.back: list[nn.Module] = [self]


class Copies(nn.Linear):
    def __deepcopy__(self, memo: dict[int, Any]) -> Copies:
        made = Copies(self.in_features, self.out_features, device="meta")
        made.mark = "its own way"
        return made


class States(nn.Linear):
    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "mark": "from its state"}


def test_a_copy_has_the_structure_of_a_deep_copy() -> None:
    module = Tied().eval()
    copied, _ = blank_module(module)
    assert isinstance(copied, Tied)
    assert copied is not module
    assert copied.one is copied.again is copied.parts[0]
    assert copied.one is not module.one
    assert copied.one.weight is copied.other.weight is copied.options["table"]
    assert copied.one.weight.is_meta
    assert isinstance(copied.one.weight, nn.Parameter)
    assert copied.back[0] is copied
    assert copied.shared is copied.alike is not module.shared
    assert copied.options["sizes"] == [1, 2]
    assert copied.options["sizes"] is not module.options["sizes"]
    assert (copied.nothing, copied.ways) == (None, ("relu", 0.5))
    true = copy.deepcopy(module)
    assert [name for name, _ in copied.named_parameters()] == [name for name, _ in true.named_parameters()]
    assert {name: type(child) for name, child in copied.named_modules()} == {
        name: type(child) for name, child in true.named_modules()
    }
    assert vars(copied).keys() == vars(true).keys()
    assert not copied.one._forward_hooks
    assert copied.one._forward_hooks is not module.one._forward_hooks


@pytest.mark.parametrize(("kind", "mark"), [(Copies, "its own way"), (States, "from its state")])
def test_a_module_that_says_how_it_is_copied_is_copied_so(kind: type[nn.Module], mark: str) -> None:
    copied, _ = blank_module(nn.Sequential(kind(3, 4)))
    assert copied[0].mark == mark


def test_what_cannot_be_copied_is_shared() -> None:
    module = nn.Sequential(nn.Linear(3, 4))
    lock = module[0].lock = threading.Lock()
    copied, _ = blank_module(module)
    assert copied[0].lock is lock
    assert copied[0] is not module[0]
