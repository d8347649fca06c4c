"""The bytes of parameters: at their own types as PyTorch stores them, at a type, in budgets and searches."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import costmodel as cm
from costmodel import CostModelError
from costmodel.analyses.size import types
from costmodel.guard.budget import parse_budgets, parse_growth
from costmodel.guard.cost import cost_of
from costmodel.scaling.solve import solve
from tests.cli_runner import refusal, run


def half() -> nn.Module:
    layers = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 16, bias=False), nn.Linear(16, 4)
    return nn.Sequential(*layers).half()


class Mixed(nn.Module):
    """A norm in fp32 between layers in fp16, and a table in fp64."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 5).half(), nn.Linear(5, 3).half()
        self.norm = nn.LayerNorm(5)
        self.table = nn.Parameter(torch.zeros(7, 3, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.first(x).float()).half()
        return self.last(y) + self.table.half().sum(0)


def held(module: nn.Module) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in module.parameters())


@pytest.mark.parametrize(("module", "shape"), [(half(), (3, 4, 4)), (Mixed(), (6,)), (half().float(), (3, 4, 4))])
def test_the_size_is_what_pytorch_stores(module: nn.Module, shape: tuple[int, ...]) -> None:
    network = cm.from_torch(module, shape)
    assert network.size() == held(module)
    assert network.size("int8") == network.parameters
    assert network.size("int4") >= math.ceil(network.parameters / 2)


def test_the_types_of_parameters_are_their_own() -> None:
    assert types(cm.from_torch(Mixed(), (6,))) == {"float16": 35 + 18, "float32": 10, "float64": 21}


def test_a_half_module_keeps_to_a_budget_of_its_own_bytes() -> None:
    network = cm.from_torch(half(), (3, 4, 4))
    assert (network.parameters, network.size()) == (804, 1608)
    assert parse_budgets({"parameters": "1608 bytes"}).violations(network) == []
    assert parse_budgets({"parameters": "1.6 kB"}).violations(network) == [
        "parameters: 804 are over the budget <= 1.6 kB at fp16 (800) by 4"
    ]
    assert parse_budgets({"parameters": "1.6 kB at fp32"}).violations(network) == [
        "parameters: 804 are over the budget <= 1.6 kB at fp32 (400) by 404"
    ]
    assert parse_budgets({"size": "1.6 kB"}).violations(network) == [
        "size: 1,608 bytes at fp16 are over the budget <= 1.6 kB (1,600) by 8"
    ]


def test_a_budget_of_several_types_is_one_of_bytes() -> None:
    network = cm.from_torch(Mixed(), (6,))
    assert parse_budgets({"parameters": f"{held(Mixed())} bytes"}).violations(network) == []
    assert parse_budgets({"parameters": "0.3 kB"}).violations(network) == [
        "parameters: 314 bytes at fp16 and fp32 and fp64 are over the budget <= 0.3 kB (300) by 14"
    ]
    with pytest.raises(CostModelError, match="<= 1 kB names no type, and Mixed has float16, float32, float64"):
        parse_budgets({"weights": "1 kB"}).violations(network)


def test_growth_in_bytes_takes_the_type_of_the_model() -> None:
    narrow, wide = (cost_of(cm.lenet(num_classes=classes), "m") for classes in (10, 12))  # 170 parameters
    assert parse_growth("<= 680 bytes").violations(narrow, wide) == []
    assert len(parse_growth("<= 679 bytes").violations(narrow, wide)) == 1
    with pytest.raises(CostModelError, match="growth: <= 1 kB names no type, and m has float16, float32, float64"):
        parse_growth("1 kB").violations(narrow, cost_of(cm.from_torch(Mixed(), (6,)), "m"))


def test_a_budget_of_memory_names_the_layer() -> None:
    found = parse_budgets({"peak_memory": "<= 256 KiB at int8"}).violations(cm.mobilenet_v2())
    assert found == [
        "peak memory: 1,505,280 bytes at int8 at features.2.depthwise.conv are over the budget <= 256 KiB at int8"
        " (262,144) by 1,243,136"
    ]
    assert parse_budgets({"peak_memory": "1505280 bytes at int8"}).violations(cm.mobilenet_v2()) == []


# --- solve ------------------------------------------------------------------------------------------------------------


def test_the_largest_design_fits_and_the_next_one_does_not() -> None:
    for design in solve("mobilenet_v2", {"peak_memory": "256 KiB", "size": "2.5 MB"}, dtype="int8").designs:
        at = {"resolution": design.resolution}
        network = cm.mobilenet_v2(alpha=design.alpha, **at)
        assert design.costs == {"peak_memory": network.memory("int8").peak_bytes, "size": network.size("int8")}
        assert design.costs["peak_memory"] <= 256 * 1024
        for breach in design.breaches:
            larger = cm.mobilenet_v2(alpha=breach.alpha, **at)
            cost = larger.memory("int8").peak_bytes if breach.quantity == "peak_memory" else larger.size("int8")
            assert cost == breach.cost > {"peak_memory": 256 * 1024, "size": 2_500_000}[breach.quantity]


@pytest.mark.parametrize("unit", ["256KiB", "262144 bytes", "262.144 kB", "256 KiB at int8"])
def test_a_budget_may_be_in_kb_or_kib_and_name_its_type(unit: str) -> None:
    options = () if "int8" in unit else ("--dtype", "int8")
    options = ("--at", "resolution=128", *options)
    first = run("solve", "mobilenet_v2", "--max", f"peak_memory={unit}", *options).out.splitlines()[0]
    assert first == "1 design of mobilenet_v2 with at most 262,144 bytes of peak memory, the most multiply-adds first"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("parameters=1 MB",), "'1 MB' is as many parameters as their type says; write 1 MB at fp32, or at int8"),
        (
            ("peak_memory=256 KiB at int8", "--dtype", "fp16"),
            "budgets at float16 and int8 are of different networks",
        ),
        (("peak_memory=3 MMAC",), "'3 MMAC' is a number of multiply-adds, and peak_memory is no number of"),
        (("peak_memory=256 KiB at int9",), "no type is called 'int9'; did you mean int8?"),
        (("peak_memori=1",), "no quantity is called 'peak_memori'; did you mean peak_memory?"),
    ],
)
def test_what_is_no_budget_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal("solve", "mobilenet_v2", "--max", *arguments)
