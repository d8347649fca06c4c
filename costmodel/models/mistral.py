"""Mistral 7B (arXiv:2310.06825): a Llama whose tokens see a window of those before them."""

from __future__ import annotations

from costmodel.models.transformer import Decoder, DecoderRow, decoders

ROWS = {
    "mistral_7b": DecoderRow(
        "Mistral 7B",
        "arXiv:2310.06825",
        2023,
        Decoder(32, 4096, 32, 8, 14336, 32000, window=4096),
        8192,
        (75_840_532_512_768, 7_241_732_096),
    ),
}

decoders(ROWS, "no biases; all scores are computed, also those outside the window of 4096 tokens")
