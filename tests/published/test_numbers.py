"""Every number of published.csv: reproduced by a rule that is named, or not, for a reason that is named.

Among them Tables 4 to 10 of the MobileNetV1 paper; Tables 2 and 3 are checked in test_mobilenet_v1.py, and so is Table
1, the only one of the ten that prints no cost: it has the layers. Accuracies are measured: they are no claim here.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest

from costmodel import CostModelError
from costmodel.models.registry import FAMILIES
from costmodel.published.tables import MILLION, PrintedNumber, PublishedNetwork, published
from tests.published import multiply_adds, parameters
from tests.published.claims import Claim, NotReproduced, Scope, about, key, network_of
from tests.published.scopes import NETWORKS, convolutions, weights, without_classifier, without_stem
from tests.published.scopes import multiply_adds as all_multiply_adds
from tests.published.scopes import parameters as all_parameters

TABLES = {"parameters": parameters, "multiply_adds": multiply_adds}

#: What an number that is not reproduced is compared with: what is commonly counted.
PLAIN: dict[str, tuple[Scope, ...]] = {
    "parameters": (all_parameters, weights),
    "multiply_adds": (all_multiply_adds, without_classifier, without_stem, convolutions),
}

NUMBERS = [
    (row, quantity, printed)
    for row in published()
    for quantity in TABLES
    if (printed := getattr(row, quantity)) is not None
]


def statements_about(row: PublishedNetwork, quantity: str) -> list[Claim | NotReproduced]:
    table = TABLES[quantity]
    return [*about(row, table.REPRODUCED), *about(row, table.NOT_REPRODUCED)]


def stale(entry: NotReproduced, row: PublishedNetwork, quantity: str, printed: PrintedNumber) -> str:
    """Why ``entry`` is no longer true; empty where it is."""
    if bool(entry.absent) == bool(entry.network):
        return "it names a network, or the name that one would have"
    if entry.absent:
        built = [name for name in (*FAMILIES, *NETWORKS) if name.startswith(entry.absent)]
        return f"{built} can be built" if built else ""
    cells = {
        "parameters": (row.params_millions, row.params_exact),
        "multiply_adds": (row.madds_millions, row.madds_exact),
    }
    if entry.printed not in map(str, cells[quantity]):
        return f"{entry.printed} is not what is printed"
    net = network_of(entry, row)
    everything, *parts = PLAIN[quantity]
    # A part is compared with all the digits: a step of hundreds would meet one or the other by chance.
    for scope, step in ((everything, entry.step), *((scope, 0) for scope in (everything, *parts))):
        exact = scope(net)
        if printed.rounds(exact, step) or printed.truncates(exact, step):
            return f"{scope.__name__} = {exact:,} is the printed number"
    return ""


@pytest.mark.parametrize(
    ("row", "quantity", "printed"), NUMBERS, ids=[f"{quantity}|{key(row)}" for row, quantity, _ in NUMBERS]
)
def test_every_printed_number_is_reproduced_or_listed(
    row: PublishedNetwork, quantity: str, printed: PrintedNumber
) -> None:
    (statement,) = statements_about(row, quantity)
    if isinstance(statement, Claim):
        assert statement.holds(row, printed)
    else:
        assert statement.reason
        assert stale(statement, row, quantity, printed) == ""


def test_every_row_has_a_number_a_source_and_its_own_key() -> None:
    assert {key(row) for row, _, _ in NUMBERS} == {key(row) for row in published()}
    assert len({key(row) for row in published()}) == len(published())
    assert all(row.source.strip() for row in published())


@pytest.mark.parametrize("quantity", TABLES)
def test_nothing_is_statements_about_numbers_that_nobody_printed(quantity: str) -> None:
    rows = [row for row, named, _ in NUMBERS if named == quantity]
    statements = chain(TABLES[quantity].REPRODUCED, TABLES[quantity].NOT_REPRODUCED)
    assert [one.rows for one in statements if not any(about(row, [one]) for row in rows)] == []


def test_tables_4_to_10_of_the_mobilenet_v1_paper_are_all_here() -> None:
    printed = {row.source.removeprefix("arXiv:1704.04861 Table ") for row in published()}
    assert set(map(str, range(4, 11))) <= printed


def test_the_millions_of_a_row_are_its_exact_figure_rounded() -> None:
    rows = [row for row in published() if row.params_millions and row.params_exact is not None]
    assert len(rows) == 2
    assert all(PrintedNumber.parse(row.params_millions, MILLION).rounds(row.params_exact) for row in rows)
    (row,) = (row for row in published() if row.madds_millions and row.madds_exact is not None)
    assert PrintedNumber.parse(row.madds_millions, MILLION) == row.multiply_adds


# The helpers can fail


def number(
    variant: str, quantity: str = "multiply_adds"
) -> tuple[PublishedNetwork, PrintedNumber, Claim | NotReproduced]:
    row = next(row for row in published() if row.variant == variant)
    return row, getattr(row, quantity), statements_about(row, quantity)[0]


def test_a_wrong_claim_is_seen() -> None:
    row, printed, claim = number("ResNet-50")
    assert isinstance(claim, Claim)
    assert claim.holds(row, printed)
    assert not replace(claim, rule=PrintedNumber.rounds).holds(row, printed)
    assert not replace(claim, network="resnet50").holds(row, printed)
    assert not replace(claim, step=MILLION).holds(row, printed)
    assert not claim.holds(row, PrintedNumber(3_799_000_000, MILLION))


def test_a_stale_entry_is_seen() -> None:
    row, printed, entry = number("V3-Large")
    assert isinstance(entry, NotReproduced)
    assert stale(entry, row, "multiply_adds", printed) == ""
    right = PrintedNumber.parse("217", MILLION)
    assert "= 216,589,760 is the printed number" in stale(entry, row, "multiply_adds", right)
    assert "can be built" in stale(NotReproduced("", "", absent="vgg"), row, "multiply_adds", printed)
    assert "999 is not what is printed" in stale(replace(entry, printed="999"), row, "multiply_adds", printed)
    assert "it names a network" in stale(NotReproduced("", ""), row, "multiply_adds", printed)


def test_a_new_row_is_not_covered() -> None:
    row = replace(published()[0], variant="tomorrow's", source="a new source")
    assert statements_about(row, "parameters") == statements_about(row, "multiply_adds") == []


@pytest.mark.parametrize(
    ("exact", "rounds", "truncates"),
    [
        (294, False, False),
        (295, True, False),
        (300, True, True),
        (304, True, True),
        (305, False, True),
        (310, False, False),
    ],
)
def test_rounding_and_truncation_at_the_last_printed_digit(exact: int, rounds: bool, truncates: bool) -> None:
    printed = PrintedNumber(300, 10)
    assert (printed.rounds(exact), printed.truncates(exact)) == (rounds, truncates)


@pytest.mark.parametrize(("text", "unit"), [("4,2", 10**6), ("", 1), ("1.5", 1), ("nan", 1), ("0.0000001", 10**6)])
def test_what_is_no_count_is_refused(text: str, unit: int) -> None:
    with pytest.raises(CostModelError, match=r"is not a decimal number|prints parts of one"):
        PrintedNumber.parse(text, unit)
