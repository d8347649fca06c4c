"""What people type for a model, an input and a resolution, and what is missing on their machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import costmodel as cm
from costmodel.cli import COMMANDS
from costmodel.cli.arguments import MODEL
from costmodel.models.registry import names, spelled
from tests.cli_runner import refusal, run

OWN = "import costmodel as cm\ndef Net(alpha=1.0):\n    return cm.mobilenet_v1(alpha=alpha)\n"


@pytest.mark.parametrize("text", ["MobileNetV2", "mobilenet-v2", "Mobilenet_V2", "mobilenet v2"])
def test_case_and_punctuation_of_a_name_do_not_count(text: str) -> None:
    assert run("count", text).out == run("count", "mobilenet_v2").out
    assert cm.load(text).multiply_adds == 300_774_272


def test_every_name_means_itself() -> None:
    assert [name for name in names() if spelled(name) != name] == []
    assert spelled("MobileNet") == "MobileNet"  # one of several


@pytest.mark.parametrize("text", ["mynet:Net", "mynet.py:Net", "./mynet.py:Net", "mynet.Net"])
def test_ones_own_model_as_people_write_it(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mynet.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    answer = run("count", text, "--kwargs", "alpha=0.75")
    sys.modules.pop("mynet")
    assert answer.out.startswith("325,400,448 multiply-adds")


def test_every_command_that_takes_a_model_reads_it_so() -> None:
    from importlib import import_module

    for name in COMMANDS:
        command = import_module(f"costmodel.cli.{name.replace('-', '_')}").command
        arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
        models = [parameter for parameter in arguments if parameter.name in ("model", "models")]
        assert [parameter.type for parameter in models] == [MODEL] * len(models)


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (("--input", "192x192x3"), "192 channels of 192x3; did you mean 3x192x192?"),
        (("--input", "192x256x1"), "192 channels of 256x1; did you mean 1x192x256?"),
        (("--input", "8x3x224x224"), "write one sample, 3x224x224, and --batch 8"),
        (("--resolution", "192x256"), "a height and a width; write --input 3x192x256"),
        (("--resolution", "192,224"), "`costmodel sweep MODEL --resolution 192,224` counts each"),
        (("--resolution", "96:224:32"), "`costmodel sweep MODEL --resolution 96:224:32` counts each"),
    ],
)
def test_a_size_that_means_something_else_is_asked_about(arguments: tuple[str, ...], question: str) -> None:
    assert question in refusal("count", "mobilenet_v2", *arguments)


def test_an_image_with_a_batch_of_one_in_front_is_that_image() -> None:
    assert (
        run("count", "mobilenet_v2", "--input", "1x3x192x256").out
        == run("count", "mobilenet_v2", "--input", "3x192x256").out
    )
    # Narrow images, and many channels, stay what they are.
    assert cm.load("mobilenet_v1", "8x3x3").input.sizes == (8, 3, 3)
    assert cm.load("mobilenet_v1", "64x56x56").input.sizes == (64, 56, 56)


def test_the_short_option_for_help() -> None:
    assert run("-h").out == run("--help").out
    assert run("layer", "conv", "-h").out == run("layer", "conv", "--help").out


def test_the_help_cuts_no_description_short() -> None:
    assert "..." not in run("--help").out.partition("Commands:")[2]
    assert "..." not in run("layer", "--help").out.partition("Commands:")[2]


def test_python_says_which_package_is_missing() -> None:
    code = (
        "import sys; sys.modules.update(torch=None, onnx=None)\nimport costmodel as cm\n"
        "for name in ('from_torch',):\n"
        "    try: getattr(cm, name)\n"
        "    except cm.CostModelError as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "costmodel.from_torch needs torch, which is not installed; run: pip install torch\n"


@pytest.mark.parametrize(
    ("words", "last", "completed"),
    [
        ("costmodel count mobilenet_v1", 2, {"mobilenet_v1", "mobilenet_v1:standard"}),
        ("costmodel recep", 1, {"receptive-field"}),
        ("costmodel count mobilenet_v1 --resol", 3, {"--resolution"}),
    ],
)
def test_the_shell_completes_commands_models_and_options(words: str, last: int, completed: set[str]) -> None:
    environment = {**os.environ, "_COSTMODEL_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(last)}
    ran = subprocess.run(
        [sys.executable, "-m", "costmodel"], env=environment, capture_output=True, text=True, check=True
    )
    assert completed <= {line.partition(",")[2] for line in ran.stdout.splitlines()}
