"""GPT-2 (Radford et al., 2019): decoders with a table of positions, layer norms, GELU and a tied head."""

from __future__ import annotations

from costmodel.models.transformer import Decoder, DecoderRow, decoders

_PAPER = "Language Models are Unsupervised Multitask Learners"


def _row(title: str, layers: int, width: int, heads: int, counted: tuple[int, int]) -> DecoderRow:
    sizes = Decoder(layers, width, heads, heads, 4 * width, 50257, 1024, tied=True)
    return DecoderRow(title, _PAPER, 2019, sizes, 1024, counted)


ROWS = {
    "gpt2": _row("GPT-2", 12, 768, 12, (145_824_153_600, 124_439_808)),
    "gpt2_medium": _row("GPT-2 medium", 24, 1024, 16, (413_475_536_896, 354_823_168)),
    "gpt2_large": _row("GPT-2 large", 36, 1280, 20, (887_285_350_400, 774_030_080)),
    "gpt2_xl": _row("GPT-2 XL", 48, 1600, 25, (1_753_351_782_400, 1_557_611_200)),
}

decoders(ROWS, "biases everywhere but in the head, which works with the table of the tokens; no dropout")
