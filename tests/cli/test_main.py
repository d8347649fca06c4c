"""The command line as a whole: help, versions, misspellings, terminals, pipes, and noise."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import costmodel
from costmodel.cli import COMMANDS
from tests.cli_runner import refusal, run


def test_help_names_every_command() -> None:
    for arguments in ((), ("--help",)):
        answer = run(*arguments)
        assert answer.status == 0
        assert all(f"\n  {command} " in answer.out for command in COMMANDS)


def test_version() -> None:
    assert run("--version").out == f"costmodel {costmodel.__version__}\n"


def test_models_lists_names_variants_and_defaults() -> None:
    lines = run("models").out.splitlines()
    rows = {line.split()[0]: line for line in lines[5:]}
    assert set(rows) == set(costmodel.models.registry.FAMILIES)
    assert "scaled-head, biased, keras" in rows["mobilenet_v2"]
    assert rows["lenet"].endswith("resolution 32, num-classes 10, in-channels 3")
    more = run("models", "mobilenet_v2:keras", "lenet").out
    assert "MobileNetV2, arXiv:1801.04381; defaults: alpha 1.0, resolution 224, num-classes 1000, in-channels 3" in more
    assert "mobilenet_v2:scaled-head  the last 1x1 convolution is scaled by alpha below 1 too (document 003)" in more
    assert "color images" in more
    listed = json.loads(run("models", "--format", "json").out)
    assert {model["name"] for model in listed} == set(costmodel.models.registry.FAMILIES)
    v1 = next(model for model in listed if model["name"] == "mobilenet_v1")
    assert v1["defaults"] == {"alpha": 1.0, "resolution": 224, "num_classes": 1000, "in_channels": 3}
    assert {"", "plain", "biased"} <= set(v1["variants"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("coutn",), "no command is called 'coutn'; did you mean count? `costmodel --help` lists them all"),
        (("mobilenet_v2",), "'mobilenet_v2' is a model, not a command; write: costmodel count mobilenet_v2"),
        (("layer", "seperable"), "no command is called 'seperable'; did you mean separable? `costmodel layer --help`"),
        (
            ("models", "mobilenet_v2:scaled_head"),
            "mobilenet_v2 has no variant 'scaled_head'; did you mean scaled-head?",
        ),
        (("models", "lent"), "no model is called 'lent'; did you mean lenet"),
        (("count", "mobilenet_v1", "--aplha", "1"), "No such option '--aplha'."),
    ],
)
def test_misspellings_are_mended_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal(*arguments).startswith(message)


def test_color_on_a_terminal_only() -> None:
    command = [sys.executable, "-m", "costmodel", "count", "mobilenet_v1"]
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)

    def on_a_terminal(**extra: str) -> bytes:
        leader, follower = pty.openpty()
        with subprocess.Popen(command, stdout=follower, env=environment | extra) as process:
            os.close(follower)
            seen = b""
            while chunk := _read(leader):
                seen += chunk
            os.close(leader)
            assert process.wait() == 0
        return seen

    piped = subprocess.run(command, capture_output=True, env=environment, check=True).stdout
    assert b"\x1b[" in on_a_terminal()
    assert b"\x1b[" not in on_a_terminal(NO_COLOR="1")
    # A dumb terminal says it is 80 wide; no figure is cut to fit it.
    dumb = on_a_terminal(TERM="dumb", COLUMNS="20")
    assert b"\x1b[" not in dumb
    assert [line.rstrip() for line in dumb.decode().splitlines()] == piped.decode().splitlines()
    assert b"\x1b[" not in piped


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end of a terminal is closed by an error, not by an end
        return b""


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m costmodel count mobilenet_v2 --by layer --format json | head -c 10"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert len(ran.stdout) == 10
    assert ran.stderr == ""


@pytest.mark.parametrize("arguments", [("count", "mobilenet_v1"), ("models", "--format", "json"), ("--help",)])
def test_a_full_disk_is_one_line(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "costmodel", *arguments]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 2
    assert ran.stderr == "costmodel: error: cannot write the answer: No space left on device\n"


NO_PLACE = "the standard output is closed, so the answer has no place; send it to a file, or to /dev/null"
GONE = "the current directory is gone; change to one that is there"
COUNT = "{python} -m costmodel count lenet"
#: A shell line, in a project with one model; the message on the standard error, if any; the files it leaves.
ENDS = {
    "output closed": (f"{COUNT} >&-", NO_PLACE, []),
    "output closed, before a plot": (f"{COUNT} --plot x.png >&-", NO_PLACE, []),
    "output closed, before a lock": ("{python} -m costmodel lock >&-", NO_PLACE, []),
    "output closed, before a check": ("{python} -m costmodel check >&-", NO_PLACE, []),
    "errors closed": ("{python} -m costmodel count nosuch 2>&-", "", []),
    "errors on a full disk": ("{python} -m costmodel count nosuch 2>/dev/full", "", []),
    "all closed": (f"{COUNT} <&- >&- 2>&-", "", []),
    "a full disk after a lock": (
        "{python} -m costmodel lock >/dev/full",
        "cannot write the answer: No space left on device; written all the same: {folder}/costmodel.lock",
        ["costmodel.lock"],
    ),
    "a full disk after a plot": (
        f"{COUNT} --plot x.svg >/dev/full",
        "cannot write the answer: No space left on device; written all the same: x.svg",
        ["x.svg"],
    ),
    "no backend": (
        f"MPLBACKEND=nosuch {COUNT} --plot x.png",
        "matplotlib does not load with MPLBACKEND=nosuch (Key backend: 'nosuch' is not a valid value for backend);"
        " unset it",
        [],
    ),
    "directory gone, check": ("mkdir d && cd d && rmdir ../d && {python} -m costmodel check", GONE, []),
    "directory gone, lock": ("mkdir d && cd d && rmdir ../d && {python} -m costmodel lock", GONE, []),
    "directory gone, module": (
        "mkdir d && cd d && rmdir ../d && {python} -m costmodel count nosuch:x",
        "no model and no module is called 'nosuch'; `costmodel models` lists the models; a module of yours is"
        " looked for in the current directory",
        [],
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_streams_and_folders_that_are_not_there(case: str, tmp_path: Path) -> None:
    line, message, left = ENDS[case]
    (tmp_path / "costmodel.toml").write_text('[models.m]\nbuild = "lenet"\n')
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = subprocess.run(
        line.format(python=sys.executable), shell=True, cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (f"costmodel: error: {message.format(folder=tmp_path)}\n" if message else "")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["costmodel.toml", *left])


@pytest.mark.parametrize(
    "arguments", [("count", "{}"), ("count", "lenet", "--alpha", "{}"), ("{}",), ("check", "--base", "{}")]
)
def test_a_long_argument_is_not_echoed_whole(arguments: tuple[str, ...]) -> None:
    answer = run(*(argument.format("x" * 10_000) for argument in arguments))
    assert answer.status == 2
    assert len(answer.err) < 1100


def test_the_module_runs_like_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "costmodel", "count", "nope"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "costmodel: error: no model is called 'nope'; `costmodel models` lists them all\n"


OPTIONS = [
    "--alpha", "--resolution", "--input", "--num-classes", "--batch", "--by", "--depth", "--sort", "--format",
    "--kernel", "--stride", "--padding", "--dilation", "--groups", "--out", "--bias", "--expansion", "--multiplier",
    "--output-padding", "--in-channels", "--variant", "--max", "--at", "--maximize", "--budget", "-o", "--width", "-x",
    "--help", "--version", "--",
]  # fmt: skip
WORDS = [
    *COMMANDS, "conv", "grouped", "depthwise", "transposed", "linear", "separable", "inverted-residual",
    "mobilenet_v1", "mobilenet_v2", "mobilenet_v1:plain", "mobilenet_v2:scaled-head", "mobilenet_v1:", ":",
    "layer", "block", "stage", "type", "json", "csv", "markdown", "latex", "text", "same", "valid", "order", "share",
    "accuracy", "multiply_adds", "plain,biased", "no/folder/grid.csv", "sys:path", "costmodel.nets:tiny",
]  # fmt: skip
VALUES = [
    "0", "1", "2", "3", "7", "-1", "1e9", "nan", "inf", "0.5", "3x3", "0:1", "0:1x0:1", "1:1:1", "3x224x224", "8x9",
    "64", "1x1x1", "16x8x8x8", "3x224", "x", "", "9" * 19, "9" * 20, "9" * 5000, "3x" + "9" * 18,
    "0.5,1", "0.5:1:0.25", "1:0:1", "1:9:0", "64:9:1:1", "1:1e9:1", "0:1:1e-12", "32,64", "flops=1G", "weights=3",
    "flops=x", "parameters=2.5", "resolution=32", "resolution=32:64:16", "num_classes=3,4", "alpha=1", "=", "=1",
]  # fmt: skip
token = st.sampled_from(OPTIONS + WORDS + VALUES) | st.text(max_size=6)


def likely(*heads: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """A command that could be meant, followed by options with values drawn for any of them."""
    pair = st.tuples(st.sampled_from(OPTIONS), st.sampled_from(VALUES + WORDS))
    tail = st.lists(pair, max_size=6).map(lambda pairs: [word for pair in pairs for word in pair])
    return st.sampled_from(heads).flatmap(lambda head: tail.map(lambda rest: [*head, *rest]))


@given(
    st.lists(token, max_size=8)
    | likely(("count", "mobilenet_v1"), ("count", "mobilenet_v2"), ("models",))
    | likely(
        ("layer", "conv", "--input", "8x9x9", "--out", "8", "--kernel", "3"),
        ("layer", "separable", "--input", "8x9x9", "--out", "8", "--kernel", "3"),
        ("layer", "inverted-residual", "--input", "8x9x9", "--out", "8", "--kernel", "3"),
        ("layer", "transposed", "--input", "8x9", "--out", "8", "--kernel", "3"),
        ("layer", "linear", "--input", "8", "--out", "8"),
    )
    | likely(
        ("sweep", "mobilenet_v1"),
        ("sweep", "mobilenet_v2:keras", "lenet"),
        ("solve", "mobilenet_v2", "--at", "resolution=32"),
        ("solve", "mobilenet_v1", "--max", "flops=1G", "--at", "resolution=32"),
        ("compare", "mobilenet_v1", "mobilenet_v2"),
    )
)
@example(["count", "\udc80"])
@example(["layer", "conv", "--input", "x".join(["3"] + ["9" * 18] * 250), "--out", "3", "--kernel", "3"])
@example(["layer", "linear", "--input", "x".join(["3"] + ["9" * 18] * 250), "--out", "3"])
@example(["layer", "conv", "--input", "3x9", "--out", "3", "--kernel", "x".join(["3"] * 5000)])
@example(["layer", "transposed", "--input", "3x9x9", "--out", "4", "--kernel", "3", "--output-padding", "1x1x1"])
@example(["count", "mobilenet_v1", "--batch", "9" * 5000])
@example(["count", "mobilenet_v1", "--resolution", "9" * 18, "--batch", "9" * 18, "--num-classes", "9" * 18])
def test_no_arguments_ever_end_in_a_traceback(arguments: list[str]) -> None:
    answer = run(*arguments)  # any exception but an orderly exit fails here
    # 1 says that nothing fits a budget, which is an answer.
    assert answer.status in ((0, 1, 2) if "solve" in arguments else (0, 2))
    if answer.status == 2:
        assert answer.out == ""
        assert answer.err.startswith("costmodel: error: ")
        assert answer.err.count("\n") == 1
        assert answer.err.removesuffix("\n").isprintable()
    else:
        assert answer.err == ""
        assert answer.out.strip()


def test_layer_help_names_every_kind() -> None:
    text = run("layer").out
    assert text == run("layer", "--help").out
    for kind in ("conv", "grouped", "depthwise", "separable", "inverted-residual", "linear", "transposed"):
        assert f"\n  {kind} " in text
