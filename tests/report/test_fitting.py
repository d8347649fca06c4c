"""Text on a terminal of 80 columns: nothing is wider, no number breaks, and no cell is lost."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.cli import arguments
from costmodel.report.answer import aligned
from costmodel.report.fitting import prose
from costmodel.report.table import Table
from tests.cli_runner import run

numbers = st.integers(0, 10**15)
words = st.text("abcdefgh", min_size=1, max_size=20)
texts = st.lists(words, min_size=1, max_size=12).map(" ".join)
names = st.lists(words, min_size=1, max_size=5).map(".".join)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    kinds = [names, *draw(st.lists(st.sampled_from([numbers, texts]), min_size=1, max_size=12))]
    titles = draw(st.lists(words, min_size=len(kinds), max_size=len(kinds)))
    rows = draw(st.lists(st.tuples(*kinds), min_size=1, max_size=5))
    return Table(tuple(titles), tuple(rows))


@given(tables(), st.integers(60, 120))
def test_a_table_fits_and_loses_no_number_and_no_word(table: Table, width: int) -> None:
    text = aligned(["answer"], table, width=width)
    assert max(map(len, text.splitlines())) <= width
    for row in table.rows:
        for cell in row[1:]:
            if isinstance(cell, int):
                assert re.search(rf"(?<![\d,]){cell:,}(?![\d,])", text)
            else:
                assert set(str(cell).split()) <= set(text.split())


@given(tables())
def test_without_a_width_every_row_is_a_line(table: Table) -> None:
    lines = aligned(["answer"], table).splitlines()
    assert len(lines) == 4 + len(table.rows)


@given(texts, st.integers(22, 60))
def test_prose_keeps_its_words(text: str, width: int) -> None:
    lines = prose(text, width)
    assert " ".join(" ".join(lines).split()) == text
    assert max(map(len, lines)) <= width


WIDE = [
    ("count", "mobilenet_v2", "--by", "layer"),
    ("models",),
    ("models", "mobilenet_v2"),
    ("solve", "mobilenet_v2", "--max", "multiply_adds=100M", "--max", "parameters=3M", "--at", "resolution=96,224"),
    ("conventions", "mobilenet_v2"),
    ("conventions",),
    ("compare", "mobilenet_v1", "mobilenet_v2", "vgg16", "resnet50"),
    pytest.param(("audit",), marks=pytest.mark.slow),
    ("memory", "mobilenet_v2"),
    ("explain", "mobilenet_v1", "--alpha", "0.75", "--resolution", "192", "--claim", "233M"),
    ("formula", "mobilenet_v1"),
    ("formula", "separable"),
    ("receptive-field", "resnet50"),
    ("roofline", "mobilenet_v2", "--device", "t4"),
    ("training", "mobilenet_v2"),
    ("sweep", "mobilenet_v2", "--alpha", "0.5,1.0", "--resolution", "160,224"),
    ("layer", "separable", "--input", "128x56x56", "--out", "256", "--kernel", "3"),
]


@pytest.mark.parametrize("command", WIDE, ids=lambda command: " ".join(command[:2]))
def test_every_command_fits_80_columns(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    wide = run(*command).out
    monkeypatch.setattr(arguments, "_width", lambda: 80)
    narrow = run(*command).out
    # One word may be longer than a line: the address of a source.
    assert [line for line in narrow.splitlines() if len(line) > 80 and len(line.split()) > 1] == []
    figures = set(re.findall(r"\d{1,3}(?:,\d{3})+", wide))
    assert figures <= set(re.findall(r"\d{1,3}(?:,\d{3})+", narrow))


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is of POSIX")
def test_a_terminal_says_how_wide_it_is() -> None:
    import fcntl
    import termios

    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 72, 0, 0))
    command = [sys.executable, "-m", "costmodel", "conventions", "lenet"]
    with subprocess.Popen(
        command, stdout=follower, env={**environment, "PYTHONPATH": path, "TERM": "xterm"}
    ) as process:
        os.close(follower)
        seen = b""
        while True:
            try:
                seen += os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
    os.close(leader)
    assert process.returncode == 0
    lines = re.sub(r"\x1b\[\d+m", "", seen.decode()).splitlines()
    assert 60 < max(map(len, lines)) <= 72
