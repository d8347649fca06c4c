"""``costmodel generate``: what a language model costs that writes."""

from __future__ import annotations

import click

from costmodel.analyses.generation import generation
from costmodel.cli.arguments import MODEL, POSITIVE, answer, dtype_option, format_option
from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import FAMILIES, architecture
from costmodel.report.generation import GenerationReport


@click.command("generate")
@click.argument("model", type=MODEL)
@click.option("--prompt", type=POSITIVE, default=1000, show_default=True, help="Tokens that are read at first.")
@click.option("--new", type=POSITIVE, default=200, show_default=True, help="Tokens that are written.")
@click.option("--batch", type=POSITIVE, default=1, show_default=True, help="Samples that are written at once.")
@dtype_option
@click.option("--device", default="", metavar="NAME", help="Say how long it takes at least, by peak and bandwidth.")
@format_option
def command(model: str, prompt: int, new: int, batch: int, dtype: str, device: str, style: str) -> None:
    """Say what it costs to write tokens with MODEL: multiply-adds of each pass, and the keys and values that it keeps.

    MODEL is a language model by name, such as llama3_8b; `costmodel models` lists them.

    \b
    costmodel generate llama3_8b --prompt 1000 --new 200 --batch 8 --dtype bf16
    costmodel generate llama2_7b --dtype bf16 --device a100-sxm-80gb
    """
    if model in FAMILIES and "sequence" not in architecture(model).choices:
        raise CostModelError(f"{model} reads no tokens; name a language model, such as llama3_8b")
    network = load_with(model, {"sequence": prompt})
    answer(GenerationReport(generation(network, new, batch, dtype, device)), style)
