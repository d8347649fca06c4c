"""Long work: one bar on a terminal, which never goes back, and an end within a moment of Ctrl-C."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.cli import progress

ROOT = Path(__file__).parents[2]


class Terminal(io.StringIO):
    """What a person watches."""

    def isatty(self) -> bool:
        return True


@given(st.lists(st.integers(0, 50), min_size=1))
def test_a_bar_never_goes_back(reports: list[int]) -> None:
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "PATIENCE_SECONDS", 0)
        patch.setenv("TERM", "xterm")
        patch.delenv("NO_COLOR", raising=False)
        with progress.progress("counting", screen) as report:
            for done in reports:
                report(done, 50)
    shares = [int(share) for share in re.findall(r"(\d+)%", screen.getvalue())]
    assert shares == sorted(shares)
    assert max(shares, default=0) == int(max(reports) / 50 * 100)


def test_no_bar_where_nobody_watches_and_for_what_is_quick() -> None:
    screen = io.StringIO()
    assert list(progress.each([1, 2, 3], "counting", screen)) == [1, 2, 3]
    assert screen.getvalue() == ""
    screen = Terminal()
    assert list(progress.each([1, 2, 3], "counting", screen)) == [1, 2, 3]
    assert screen.getvalue() == ""


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **{name: value for name, value in os.environ.items() if name != "NO_COLOR"},
        "PYTHONPATH": path,
        "TERM": "xterm",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "label"),
    [
        (["roofline", "lenet", "--measure", "--repeat", "1"], b"running"),
        (["lock"], b"counting"),
        (["check"], b"counting"),
    ],
)
def test_a_bar_on_a_terminal(arguments: list[str], label: bytes, tmp_path: Path) -> None:
    (tmp_path / "costmodel.toml").write_text("".join(f'[models.m{n}]\nbuild = "lenet"\n' for n in range(20)))
    script = (
        f"import costmodel.cli.progress as p; p.PATIENCE_SECONDS = 0\nfrom costmodel.cli import main; main({arguments})"
    )
    leader, follower = pty.openpty()
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower, env=environment(), cwd=tmp_path):
        os.close(follower)
        seen = b""
        while True:
            try:
                more = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            seen += more
    os.close(leader)
    assert label in seen
    shares = [int(share) for share in re.findall(rb"(\d+)%", seen)]
    assert shares == sorted(shares)
    assert shares[-1] == 100


SLOW = "import time\ndef build():\n    print('begun', flush=True)\n    time.sleep(60)\n"
MAIN = "from costmodel.__main__ import run; run()"
#: What is interrupted while it waits for the model; each leaves the folder as it was.
INTERRUPTED = [["lock"], ["check"], ["count", "slow:build"], ["diff", "slow:build", "lenet"]]


@pytest.mark.parametrize("arguments", INTERRUPTED, ids=" ".join)
def test_an_interrupt_ends_it_at_once_and_leaves_nothing_half_done(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW.replace("print('begun', flush=True)", "open('begun', 'w').close()"))
    (tmp_path / "costmodel.toml").write_text('[models.m]\nbuild = "slow:build"\n')
    # A shell that starts the tests in the background has them, and all that they start, ignore an interrupt.
    script = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {MAIN}"
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path
    ) as process:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert sorted(file.name for file in tmp_path.iterdir() if file.name != "__pycache__") == [
        "begun", "costmodel.toml", "slow.py",
    ]  # fmt: skip
