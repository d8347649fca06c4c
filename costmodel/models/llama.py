"""Llama 2 and 3: decoders with rotary positions, RMS norms and gated MLPs, the larger ones with grouped heads."""

from __future__ import annotations

from costmodel.models.transformer import Decoder, DecoderRow, decoders

_2, _3 = ("arXiv:2307.09288", 2023), ("arXiv:2407.21783", 2024)

#: Sizes: layers, width, heads, heads of keys and values, hidden features of the MLP, vocabulary.
ROWS = {
    "llama2_7b": DecoderRow(
        "Llama 2 7B", *_2, Decoder(32, 4096, 32, 32, 11008, 32000), 4096, (31_460_635_443_200, 6_738_415_616)
    ),
    "llama2_13b": DecoderRow(
        "Llama 2 13B", *_2, Decoder(40, 5120, 40, 40, 13824, 32000), 4096, (59_512_140_595_200, 13_015_864_320)
    ),
    "llama2_70b": DecoderRow(
        "Llama 2 70B", *_2, Decoder(80, 8192, 64, 8, 28672, 32000), 4096, (303_439_439_462_400, 68_976_648_192)
    ),
    "llama3_8b": DecoderRow(
        "Llama 3 8B", *_3, Decoder(32, 4096, 32, 8, 14336, 128256), 8192, (79_070_347_919_360, 8_030_261_248)
    ),
    "llama3_70b": DecoderRow(
        "Llama 3 70B", *_3, Decoder(80, 8192, 64, 8, 28672, 128256), 8192, (657_318_974_849_024, 70_553_706_496)
    ),
    "llama3_405b": DecoderRow(
        "Llama 3 405B", *_3, Decoder(126, 16384, 128, 8, 53248, 128256), 8192, (3_584_579_705_241_600, 405_853_388_800)
    ),
}

decoders(ROWS, "no biases; the head has a table of its own")
