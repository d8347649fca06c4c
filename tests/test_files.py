"""A file is whole, old or new, whoever is killed and however many write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from costmodel import CostModelError
from costmodel.files import write_whole

#: Writes a megabyte of its letter, over and over.
_WRITER = """
import sys
from costmodel.files import write_whole
while True:
    write_whole(sys.argv[1], sys.argv[2].encode() * 10**6)
"""


def writer(place: Path, letter: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _WRITER, place, letter])


def whole(place: Path) -> str:
    content = place.read_bytes()
    assert len(content) == 10**6
    (letter,) = set(content.decode())
    return letter


def test_a_writer_that_is_killed_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"o" * 10**6)
    for letter in "abcdef":
        before = whole(place)
        with writer(place, letter) as process:
            while not any(tmp_path.glob(".file.*")) and whole(place) == before:
                time.sleep(0.001)  # until it is at work
            process.send_signal(signal.SIGKILL)
        assert whole(place) in (before, letter)


@pytest.mark.slow
def test_two_writers_at_once_do_not_mix(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"o" * 10**6)
    with writer(place, "a") as first, writer(place, "b") as second:
        seen = [whole(place)]
        while not {"a", "b"} <= set(seen) or len(seen) < 200:
            seen.append(whole(place))
        for process in (first, second):
            process.kill()
    assert set(seen) <= {"o", "a", "b"}


def test_a_link_keeps_pointing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["file", "link"]


@pytest.mark.parametrize(
    ("name", "reason"), [("missing/file", "no such file"), ("", "is a directory"), ("a\0b", "null")]
)
def test_what_cannot_be_written_is_said_and_leaves_nothing(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CostModelError) as error:
        write_whole(f"{tmp_path}/{name}", b"new")
    assert str(error.value).startswith(f"cannot write {tmp_path}/{name}: ")
    assert reason in str(error.value)
    assert os.listdir(tmp_path) == []


def test_what_a_killed_writer_left_is_swept_and_the_work_of_another_is_not(tmp_path: Path) -> None:
    left, working, foreign = (tmp_path / name for name in (".file.1.abcd.partial", ".file.2.abcd.partial", ".file.x"))
    for place in (left, working, foreign):
        place.write_bytes(b"half")
    for place in (left, foreign):
        os.utime(place, (time.time() - 100, time.time() - 100))
    write_whole(tmp_path / "file", b"new")
    assert sorted(os.listdir(tmp_path)) == [".file.2.abcd.partial", ".file.x", "file"]


def test_two_threads_do_not_share_a_partial_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    within: list[set[str]] = []

    def nested(descriptor: int) -> None:
        within.append(set(os.listdir(tmp_path)))
        if len(within) == 1:  # as another thread would, between the write and the move
            write_whole(tmp_path / "file", b"second")

    monkeypatch.setattr(os, "fsync", nested)
    write_whole(tmp_path / "file", b"first")
    assert len(within[1] - {"file"}) == 2
    assert (tmp_path / "file").read_bytes() == b"first"


def test_a_writer_killed_inside_the_write_leaves_the_old_file(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"old")
    body = "import os, signal, sys\nos.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
    atomic = "from costmodel.files import write_whole\nwrite_whole(sys.argv[1], b'new')"
    careless = "file = open(sys.argv[1], 'wb')\nfile.write(b'ne')\nfile.flush()\nos.fsync(0)"
    for script, kept in ((atomic, b"old"), (careless, b"ne")):  # the second shows that the first can fail
        ran = subprocess.run([sys.executable, "-c", body + script, place], check=False)
        assert ran.returncode == -signal.SIGKILL
        assert place.read_bytes() == kept
