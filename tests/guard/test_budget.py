"""Budgets: exact, in the units people write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel import CostModelError, mobilenet_v2
from costmodel.guard.budget import parse_budgets, parse_growth, parse_limit
from costmodel.guard.cost import LayerCost, ModelCost


@pytest.mark.parametrize(
    ("quantity", "text", "most"),
    [
        ("multiply_adds", "<= 250 M", 250_000_000),
        ("multiply_adds", "300 MMAC", 300_000_000),
        ("multiply_adds", "<= 0.6 GFLOPs", 300_000_000),  # two FLOPs a multiply-add
        ("multiply_adds", "<=300,774,272", 300_774_272),
        ("multiply_adds", 1000, 1000),
        ("flops", "300 MMACs", 600_000_000),
        ("flops", "0.6 GFLOPs", 600_000_000),
        ("parameters", "2.6 M", 2_600_000),
        ("parameters", "10 MB at fp32", 2_500_000),
        ("parameters", "10 Mparams", 10_000_000),
        ("parameters", 25_000, 25_000),
        ("weights", "1 kB at fp32", 250),
        ("parameters", "7B", 7_000_000_000),
        ("parameters", "<= 0.4 MB at int8", 400_000),
        ("multiply_adds", "3 FLOPs", 1),  # one and a half, and nothing has half a multiply-add
    ],
)
def test_a_budget_allows_its_amount_and_not_one_more(quantity: str, text: object, most: int) -> None:
    budget = parse_limit(quantity, text)
    assert budget.violation(most) == ""
    assert f"{most + 1:,} are over the budget <= " in budget.violation(most + 1)
    assert budget.violation(most + 1).endswith(f"({most:,}) by 1")


def test_what_a_violation_says() -> None:
    budgets = parse_budgets({"multiply_adds": "<=250 M", "flops": "1 GFLOPs", "parameters": "3 M"})
    assert budgets.violations(mobilenet_v2()) == [
        "multiply-adds: 300,774,272 are over the budget <= 250 M (250,000,000) by 50,774,272",
        "parameters: 3,504,872 are over the budget <= 3 M (3,000,000) by 504,872",
    ]
    assert parse_budgets({}).violations(mobilenet_v2()) == []


def cost(multiply_adds: int, parameters: int) -> ModelCost:
    return ModelCost("m", (LayerCost("a", "conv", (), "1", "1", multiply_adds, parameters),))


@pytest.mark.parametrize(
    ("text", "old", "new", "wrong"),
    [
        ("<= 0 %", (100, 10), (100, 10), []),
        ("<= 0 %", (100, 10), (101, 9), ["multiply-adds"]),
        ("<= 0 %", (100, 10), (90, 11), ["parameters"]),
        ("<= 0.1 %", (1000, 1000), (1001, 1001), []),
        ("<= 0.1 %", (1000, 1000), (1002, 1002), ["multiply-adds", "parameters"]),
        ("50 %", (0, 0), (0, 1), ["parameters"]),
        ("<= 5", (100, 10), (105, 16), ["parameters"]),
        ("<= 5 MAC", (100, 10), (106, 99), ["multiply-adds"]),
        ("<= 10 FLOPs", (100, 10), (105, 99), []),
        ("<= 40 GB at fp32", (0, 0), (9, 10**10), []),
        ("<= 4 MiB at fp32", (0, 0), (9, 2**20 + 1), ["parameters"]),
        ("<= 40 GB at fp32", (0, 0), (9, 10**10 + 1), ["parameters"]),
    ],
)
def test_growth(text: str, old: tuple[int, int], new: tuple[int, int], wrong: list[str]) -> None:
    assert [found.split(":")[0] for found in parse_growth(text).violations(cost(*old), cost(*new))] == wrong


def test_what_a_growth_says() -> None:
    assert parse_growth("<=0.5%").violations(cost(1000, 5), cost(2000, 5)) == [
        "multiply-adds: 1,000 grew by 1,000 to 2,000; growth is <= 0.5%"
    ]


@given(st.integers(1, 10**30), st.integers(0, 10**6))
def test_growth_is_compared_exactly(old: int, thousandths: int) -> None:
    growth = parse_growth(f"{thousandths // 1000}.{thousandths % 1000:03} %")
    allowed = old * thousandths // 100_000
    assert growth.violations(cost(old, 0), cost(old + allowed, 0)) == []
    assert len(growth.violations(cost(old, 0), cost(old + allowed + 1, 0))) == 1


@pytest.mark.parametrize(
    ("quantity", "text", "message"),
    [
        (
            "multiply_add",
            "1 M",
            "no budget is called 'multiply_add'; did you mean multiply_adds? there are multiply_adds,",
        ),
        (
            "multiply_adds",
            "10 MB",
            "multiply_adds: '10 MB' is a size in bytes, and multiply_adds is no size in bytes; write",
        ),
        (
            "parameters",
            "3 GFLOPs",
            "parameters: '3 GFLOPs' is a number of FLOPs, and parameters is no number of FLOPs;",
        ),
        ("parameters", "3 %", "parameters: '3 %' is a percentage; write growth for what a model may grow"),
        ("parameters", ">= 3 M", "parameters: '>= 3 M' is no upper bound; write <= 3 M"),
        ("parameters", "< 3 M", "parameters: '< 3 M' is no upper bound; write <= 3 M"),
        (
            "parameters",
            "3OO M",
            "parameters: '3OO M' is not an amount; write it as 100M, 3,000,000, 2.6 M or 10 MB at fp32",
        ),
        ("parameters", "<= -3 M", "parameters: '-3 M' is not an amount"),
        ("parameters", 2.6, 'parameters: 2.6 must be a whole number of at least 0, or a text, as in "100M"'),
        ("parameters", True, "parameters: True must be a whole number of at least 0, or a text"),
        ("growth", "<= 3 Mib", "growth: '3 Mib' has the unit 'Mib'; did you mean MiB? units are"),
        ("growth", "<= 0.5", "growth: '0.5' is not a whole count; give it a unit, as in 0.5M"),
        ("growth", "3 GB/s", "growth: '3 GB/s' is a rate in bytes a second, and no rate is asked for; write an amount"),
    ],
)
def test_what_is_no_budget_is_refused_with_the_fix(quantity: str, text: object, message: str) -> None:
    with pytest.raises(CostModelError) as error:
        parse_budgets({quantity: text})
    assert str(error.value).startswith(message)
