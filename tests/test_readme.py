"""What the README shows is what the commands print."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from benchmarks.readme import capture, speed
from costmodel import load
from costmodel.models.registry import names
from costmodel.reproduction.keras_models import KERAS_MODELS
from tests.cli_runner import run

# Some commands of the README capture a module, which needs torch.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
#: The table of all networks, and the measurements.
PROOF, SPEED = (ROOT / "docs" / "explanation" / name for name in ("proof.md", "speed.md"))


def shown(text: str) -> list[tuple[str, str]]:
    """(command, output) of every console block."""
    blocks = re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)
    return [(first.removeprefix("$ "), output) for first, _, output in (block.partition("\n") for block in blocks)]


def answered(command: str) -> str:
    """What the command line prints, with spaces at the ends of lines dropped."""
    program, *arguments = shlex.split(command)
    assert program == "costmodel"
    answer = run(*arguments)
    return re.sub(r" +\n", "\n", answer.out + answer.err)


@pytest.mark.parametrize(("command", "output"), shown(README.read_text()))
def test_the_readme_shows_real_output(command: str, output: str) -> None:
    assert answered(command) == output


def test_the_readme_has_the_commands_that_it_must_have() -> None:
    commands = [command for command, _ in shown(README.read_text())]
    assert "costmodel count mobilenet_v1 --alpha 0.75 --resolution 192" in commands
    assert "costmodel layer separable --input 128x56x56 --out 256 --kernel 3" in commands


def test_the_readmes_python_runs() -> None:
    results = doctest.testfile(str(README), module_relative=False)
    assert results.failed == 0
    assert results.attempted > 4


def test_the_readme_can_be_finished() -> None:
    assert len(README.read_bytes()) <= 10_000


def zoo(text: str, command: str = "verify --all") -> list[list[str]]:
    """The cells of the table that ``costmodel verify --all`` printed into the page."""
    table = text.partition(f"<!-- {command} --format markdown -->")[2].partition("<!-- end -->")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_networks_is_every_one_with_its_figures() -> None:
    rows = zoo(PROOF.read_text())
    assert [row[0] for row in rows] == names()
    assert f"{len(names())} of {len(names())} networks equal PyTorch" in PROOF.read_text()
    for name, shape, parameters, multiply_adds, operations, verdict in rows:
        net = load(name)
        counted = [str(net.input), f"{net.parameters:,}", f"{net.multiply_adds:,}", f"{len(net.ledger):,}", "all equal"]
        assert [shape, parameters, multiply_adds, operations, verdict] == counted


def test_the_table_of_networks_that_keras_has_too_is_every_one_with_its_figures() -> None:
    rows = zoo(PROOF.read_text(), "verify --all --against keras")
    assert [row[0] for row in rows] == list(KERAS_MODELS)
    assert f"{len(rows)} of {len(rows)} networks equal Keras" in PROOF.read_text()
    for name, shape, parameters, multiply_adds, layers, verdict in rows:
        net = load(name)
        multiplying = sum(entry.ops.mac > 0 for entry in net.ledger)
        counted = [str(net.input), f"{net.parameters:,}", f"{net.multiply_adds:,}", f"{multiplying:,}", "all equal"]
        assert [shape, parameters, multiply_adds, layers, verdict] == counted


def with_measurements(text: str) -> str:
    """``text`` with the sections on speed and on captures made anew from the measured results."""
    for name, section in (("benchmarks", speed), ("captures", capture)):
        start, end = f"<!-- {name} -->\n", f"<!-- {name} end -->"
        before, _, rest = text.partition(start)
        text = f"{before}{start}{section()}\n{end}{rest.partition(end)[2]}"
    return text


def test_the_page_on_speed_quotes_the_measurements() -> None:
    text = SPEED.read_text()
    assert with_measurements(text) == text
    # A figure of another making does not stay.
    assert with_measurements(text.replace(" ms |", " s |").replace("captured exactly", "captured")) == text


def test_ci_runs_the_readmes_two_commands() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert blocks == [
        "python -m pip install . && costmodel count mobilenet_v1 --alpha 0.75 --resolution 192\n",
        "python -m pip install -c constraints.txt -e '.[test]' && python -m pytest\n",
    ]
    ci = (ROOT / ".ci" / "run").read_text()
    assert 'command=$(readme_command 1)\n    eval "$command"' in ci
    assert 'command=$(readme_command 2)\neval "$command"' in ci


def rewrite(text: str) -> str:
    """``text`` with the output of every console block made anew."""
    return re.sub(
        r"```console\n\$ (.*?)\n(.*?)```",
        lambda block: f"```console\n$ {block[1]}\n{answered(block[1])}```",
        text,
        flags=re.DOTALL,
    )


def test_a_stale_readme_is_seen() -> None:
    stale = README.read_text().replace("239,273,472", "239,273,473")
    assert stale != README.read_text()
    assert any(answered(command) != output for command, output in shown(stale))


def verified(text: str) -> str:
    """``text`` with the tables of ``costmodel verify --all`` made anew; this takes a minute."""
    for command in ("verify --all", "verify --all --against keras"):
        start, end = f"<!-- {command} --format markdown -->\n", "<!-- end -->"
        before, _, rest = text.partition(start)
        made = answered(f"costmodel {command} --format markdown")
        text = before + start + made + end + rest.partition(end)[2]
    return text


if __name__ == "__main__":  # python -m tests.test_readme: bring the README and both pages up to date
    README.write_text(rewrite(README.read_text()))
    PROOF.write_text(verified(PROOF.read_text()))
    SPEED.write_text(with_measurements(SPEED.read_text()))
