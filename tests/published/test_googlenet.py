"""Table 1 of the GoogLeNet paper, row by row, and the two sums that others quote."""

from __future__ import annotations

import pytest

import costmodel as cm
from costmodel import Ledger
from costmodel.published.tables import MILLION, PrintedNumber, Row, paper_table, published
from tests.published.claims import Rule
from tests.published.scopes import separable_stem

DENSE_STEM = "conv1 7x7x3x64 dense"
SEPARABLE_STEM = "conv1 7x7 depthwise(mult 8)+1x1 64"

NET = cm.googlenet(variant="document")

#: Row -> what the K of its parameters is worth, and the rule. Three are in 1024s, and the stem in 1000s.
PARAMETERS: dict[str, tuple[int, Rule]] = {
    SEPARABLE_STEM: (1000, PrintedNumber.rounds),
    "conv2 1x1 64 + 3x3 192": (1024, PrintedNumber.rounds),
    "inception (3a)": (1024, PrintedNumber.truncates),
    "linear": (1024, PrintedNumber.rounds),
}

#: Row -> the rule of its operations, where it is not rounding.
OPERATIONS: dict[str, Rule] = {"inception (4a)": PrintedNumber.truncates}

NOT_THE_COLUMNS = "neither in 1000s nor in 1024s what the module's own columns give"
NOT_DENSE = "the paper counts the separable stem of the next row"

#: Row -> what is printed, and why it is not reproduced.
PARAMETERS_NOT_REPRODUCED = {DENSE_STEM: ("2.7K", NOT_DENSE)} | {
    f"inception ({module})": (printed, NOT_THE_COLUMNS)
    for module, printed in (
        ("3b", "380K"),
        ("4a", "364K"),
        ("4b", "437K"),
        ("4c", "463K"),
        ("4d", "580K"),
        ("4e", "840K"),
        ("5a", "1072K"),
        ("5b", "1388K"),
    )
}
OPERATIONS_NOT_REPRODUCED = {
    DENSE_STEM: ("34", NOT_DENSE),
    "inception (5a)": ("54", "51.1 M for the module's own columns, whose parameters are printed too high as well"),
}


def part(row: Row) -> Ledger:
    blocks = NET.ledger.by("block")
    if row.row == DENSE_STEM:
        return blocks["features.conv1"]
    if row.row == SEPARABLE_STEM:
        return separable_stem().ledger
    if row.row.startswith("conv2"):
        return Ledger(blocks["features.conv2"].operations + blocks["features.conv3"].operations)
    if row.row == "linear":
        return blocks["classifier"]
    return blocks[f"features.inception{row.row.removeprefix('inception (').removesuffix(')')}"]


def prints(row: Row, worth: int, rule: Rule) -> bool:
    """Whether the row's parameters, where K is ``worth``, are the weights of its part; in 1024000ths, for both Ks."""
    printed = PrintedNumber.parse(row.published_params.removesuffix("K"), 1000 * 1024)
    return rule(printed, part(row).weights * (1000 * 1024 // worth), 0)


ROWS = pytest.mark.parametrize("row", paper_table("googlenet_table1"), ids=lambda row: row.row)


@ROWS
def test_the_collectors_columns_are_the_networks(row: Row) -> None:
    ledger = part(row)
    assert (ledger.weights, ledger.multiply_adds) == (row.exact_weights, row.exact_madds)
    for worth, column in ((1000, row.exact_weights_div1000), (1024, row.exact_weights_div1024)):
        assert abs(column * worth - ledger.weights) <= worth * 5 // 1000 + 1
    assert row.source == "arXiv:1409.4842 Table 1"


@ROWS
def test_the_modules_have_the_tables_channels(row: Row) -> None:
    ledger = part(row)
    if not row.row.startswith("inception"):
        assert row.out_size is row.out_channels is row.n1x1 is None
        return
    channels = {
        entry.name.split(".", 2)[2].removesuffix(".conv"): entry.output.channels for entry in ledger if entry.ops.mac
    }
    assert channels == {
        "branch1": row.n1x1,
        "branch2.reduce": row.n3x3_reduce,
        "branch2.expand": row.n3x3,
        "branch3.reduce": row.n5x5_reduce,
        "branch3.expand": row.n5x5,
        "branch4.project": row.pool_proj,
    }
    assert (ledger.output.channels, *ledger.output.spatial) == (row.out_channels, row.out_size, row.out_size)


@ROWS
def test_printed_parameters_are_reproduced_or_listed(row: Row) -> None:
    assert (row.row in PARAMETERS) is not (row.row in PARAMETERS_NOT_REPRODUCED)
    if row.row in PARAMETERS:
        assert prints(row, *PARAMETERS[row.row])
    else:
        assert PARAMETERS_NOT_REPRODUCED[row.row][0] == row.published_params
        rules = (PrintedNumber.rounds, PrintedNumber.truncates)
        assert not any(prints(row, worth, rule) for worth in (1000, 1024) for rule in rules)
    assert (row.params_match == "no") is (row.row in PARAMETERS_NOT_REPRODUCED)


@ROWS
def test_printed_operations_are_reproduced_or_listed(row: Row) -> None:
    printed = PrintedNumber.parse(row.published_ops_millions, MILLION)
    exact = part(row).multiply_adds
    if row.row in OPERATIONS_NOT_REPRODUCED:
        assert OPERATIONS_NOT_REPRODUCED[row.row][0] == row.published_ops_millions
        assert not printed.rounds(exact)
        assert not printed.truncates(exact)
    else:
        assert OPERATIONS.get(row.row, PrintedNumber.rounds)(printed, exact, 0)
    assert (row.ops_match == "no") is (row.row in OPERATIONS_NOT_REPRODUCED)


def test_the_table_is_the_network_each_layer_once() -> None:
    assert len(paper_table("googlenet_table1")) == 13
    rows = [row for row in paper_table("googlenet_table1") if row.row != SEPARABLE_STEM]
    assert sum(row.exact_madds for row in rows) == NET.multiply_adds
    assert sum(row.exact_weights for row in rows) == NET.weights


def test_what_others_quote_are_sums_of_the_printed_columns() -> None:
    """The separable stem's row stands for the stem; the sums inherit the misprints of their rows."""
    rows = [row for row in paper_table("googlenet_table1") if row.row != DENSE_STEM]
    operations = sum(int(row.published_ops_millions) for row in rows)
    parameters = sum(PrintedNumber.parse(row.published_params.removesuffix("K"), 1000).value for row in rows)
    assert (operations, parameters) == (1502, 6_797_700)
    (summed,) = (row for row in published() if row.variant == "sum of Table 1 ops column")
    assert summed.multiply_adds == PrintedNumber(operations * MILLION, MILLION)
    quoted = [row for row in published() if "googlenet" in f"{row.family} {row.variant}".lower() and row.parameters]
    assert len(quoted) == 2
    assert all(row.parameters and row.parameters.rounds(parameters) for row in quoted)
