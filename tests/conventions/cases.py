"""Modules that a capture takes apart or that call PyTorch in their own way, each with the sizes of a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Calling(nn.Module):
    """Computes what a function does with the modules and parameters it is given."""

    def __init__(self, function: Callable[..., Tensor], **held: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.function = function
        for name, value in held.items():
            setattr(self, name, value)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(self, *inputs)


TOKENS, MAP = (10, 16), (4, 8, 8)

CASES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "LSTM": (nn.LSTM(16, 8, batch_first=True), TOKENS),
    "GRU": (nn.GRU(16, 8, batch_first=True), TOKENS),
    "RNN bi": (nn.RNN(16, 8, batch_first=True, bidirectional=True), TOKENS),
    "LSTMCell": (nn.LSTMCell(16, 8), (16,)),
    "MHA": (Calling(lambda s, x: s.a(x, x, x)[0], a=nn.MultiheadAttention(16, 4, batch_first=True)), TOKENS),
    "TEL": (nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), TOKENS),
    "sdpa": (
        Calling(
            lambda s, x: functional.scaled_dot_product_attention(s.q(x), s.k(x), x),
            q=nn.Linear(16, 16),
            k=nn.Linear(16, 16),
        ),
        TOKENS,
    ),
    "torch.add": (Calling(lambda s, x: torch.add(s.c(x), x), c=nn.Conv2d(4, 4, 1)), MAP),
    "torch.mul": (Calling(lambda s, x: torch.mul(s.c(x), x), c=nn.Conv2d(4, 4, 1)), MAP),
    "add bias": (Calling(lambda s, x: s.c(x) + 1, c=nn.Conv2d(4, 4, 1)), MAP),
    "mul same": (Calling(lambda s, x: s.c(x) * x, c=nn.Conv2d(4, 4, 1)), MAP),
    "einsum": (Calling(lambda s, x: torch.einsum("bij,bkj->bik", s.l(x), x), l=nn.Linear(16, 16)), TOKENS),
    "adaptive max": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.AdaptiveMaxPool2d(2)), MAP),
    "max1d": (nn.Sequential(nn.Conv1d(10, 4, 1), nn.MaxPool1d(2)), TOKENS),
    "avg1d": (nn.Sequential(nn.Conv1d(10, 4, 1), nn.AvgPool1d(2)), TOKENS),
    "up nearest": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.Upsample(scale_factor=2)), MAP),
    "F.interp": (
        Calling(lambda s, x: functional.interpolate(s.c(x), scale_factor=2, mode="bilinear"), c=nn.Conv2d(4, 4, 1)),
        MAP,
    ),
    "bicubic": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.Upsample(scale_factor=2, mode="bicubic")), MAP),
    "zeropad": (nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(4, 4, 1)), MAP),
    "bilinear": (Calling(lambda s, x: s.b(x, x), b=nn.Bilinear(16, 16, 3)), TOKENS),
    "rms": (nn.Sequential(nn.Linear(16, 16), nn.RMSNorm(16)), TOKENS),
    "GLU": (nn.Sequential(nn.Linear(16, 16), nn.GLU()), TOKENS),
    "circular": (nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"), MAP),
    "F.softmax": (Calling(lambda s, x: functional.softmax(s.c(x), 1), c=nn.Conv2d(4, 4, 1)), MAP),
    "F.ln": (Calling(lambda s, x: functional.layer_norm(s.l(x), (16,)), l=nn.Linear(16, 16)), TOKENS),
    "shared": (Calling(lambda s, x: s.c(s.c(x)), c=nn.Conv2d(4, 4, 1)), MAP),
    "emb": (Calling(lambda s, x: s.l(x) + s.p, l=nn.Linear(16, 16), p=nn.Parameter(torch.zeros(10, 16))), TOKENS),
    "wn": (nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3)), MAP),
    "F.conv": (Calling(lambda s, x: functional.conv2d(x, s.p), p=nn.Parameter(torch.zeros(4, 4, 1, 1))), MAP),
    "dilated maxpool": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.MaxPool2d(2, dilation=2)), MAP),
    "lppool": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.LPPool2d(2, 2)), MAP),
    "mean(2,3)": (Calling(lambda s, x: s.c(x).mean((2, 3)), c=nn.Conv2d(4, 4, 1)), MAP),
    "mean keep": (Calling(lambda s, x: s.c(x).mean((2, 3), keepdim=True), c=nn.Conv2d(4, 4, 1)), MAP),
    "x@W": (Calling(lambda s, x: x @ s.p, p=nn.Parameter(torch.zeros(16, 4))), TOKENS),
    "valid": (nn.Conv2d(4, 4, 3, padding="valid"), MAP),
    "F.relu": (Calling(lambda s, x: functional.relu(s.c(x)), c=nn.Conv2d(4, 4, 1)), MAP),
    "x.relu()": (Calling(lambda s, x: s.c(x).relu(), c=nn.Conv2d(4, 4, 1)), MAP),
    "torch.relu": (Calling(lambda s, x: torch.relu(s.c(x)), c=nn.Conv2d(4, 4, 1)), MAP),
    "x.clamp": (Calling(lambda s, x: s.c(x).clamp(0, 6), c=nn.Conv2d(4, 4, 1)), MAP),
    "F.gn": (Calling(lambda s, x: functional.group_norm(s.c(x), 2), c=nn.Conv2d(4, 4, 1)), MAP),
    "F.bn": (
        Calling(lambda s, x: functional.batch_norm(s.c(x), torch.zeros(4), torch.ones(4)), c=nn.Conv2d(4, 4, 1)),
        MAP,
    ),
}

#: More of the kind: what each tool sees of products, sums and upsampling under another name.
CASES |= {
    "torch.matmul": (Calling(lambda s, x: torch.matmul(s.l(x), x.transpose(1, 2)), l=nn.Linear(16, 16)), TOKENS),
    "bmm": (Calling(lambda s, x: torch.bmm(s.l(x), x.transpose(1, 2)), l=nn.Linear(16, 16)), TOKENS),
    "x @ y": (Calling(lambda s, x: s.l(x) @ x.transpose(1, 2), l=nn.Linear(16, 16)), TOKENS),
    "x.softmax()": (Calling(lambda s, x: s.l(x).softmax(-1), l=nn.Linear(16, 16)), TOKENS),
    "F.linear": (
        Calling(lambda s, x: functional.linear(s.l(x), s.p), l=nn.Linear(16, 16), p=nn.Parameter(torch.zeros(4, 16))),
        TOKENS,
    ),
    "sdpa with heads": (
        Calling(
            lambda s, x: functional.scaled_dot_product_attention(*(s.l(x).unflatten(2, (2, 8)).transpose(1, 2),) * 3),
            l=nn.Linear(16, 16),
        ),
        TOKENS,
    ),
    "upsampling to a size": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.Upsample(size=(12, 11))), MAP),
    "trilinear": (nn.Sequential(nn.Conv3d(4, 4, 1), nn.Upsample(scale_factor=2, mode="trilinear")), (4, 3, 3, 3)),
    "UpsamplingBilinear2d": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.UpsamplingBilinear2d(scale_factor=2)), MAP),
    "nearest-exact": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.Upsample(scale_factor=2, mode="nearest-exact")), MAP),
    "F.adaptive_avg_pool2d": (
        Calling(lambda s, x: functional.adaptive_avg_pool2d(s.c(x), 1), c=nn.Conv2d(4, 4, 1)),
        MAP,
    ),
    "F.normalize": (Calling(lambda s, x: functional.normalize(s.l(x), dim=-1), l=nn.Linear(16, 16)), TOKENS),
    "GRU cell": (nn.GRUCell(16, 8), (16,)),
    "two-layer LSTM": (nn.LSTM(16, 8, 2, batch_first=True, bidirectional=True), TOKENS),
    "LSTM with projections": (nn.LSTM(16, 8, proj_size=4, batch_first=True), TOKENS),
    "activations": (
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.GELU(), nn.SiLU(), nn.ELU(), nn.ReLU6(), nn.LeakyReLU(), nn.SELU()),
        MAP,
    ),
    "functional activations": (
        Calling(
            lambda s, x: functional.gelu(
                functional.silu(functional.elu(functional.relu6(functional.leaky_relu(functional.hardtanh(s.c(x))))))
            ),
            c=nn.Conv2d(4, 4, 1),
        ),
        MAP,
    ),
    "to one": (nn.Linear(16, 1), TOKENS),
}


#: What is refused, and why. Every other pair of a case and a tool has a figure, and it is the tool's.
REFUSED = {
    # Recurrent modules have formulas of their own there, or kernels that compute them in one piece.
    "LSTM": "ptflops ptflops_aten thop torchinfo",
    "GRU": "ptflops thop torchinfo",
    "RNN bi": "ptflops thop torchinfo",
    "LSTMCell": "ptflops thop torchinfo",
    "GRU cell": "ptflops thop torchinfo",
    "two-layer LSTM": "ptflops ptflops_aten thop torchinfo",
    "LSTM with projections": "ptflops ptflops_aten thop torchinfo torchprofile",
    # Whether PyTorch takes its fast path depends on more than the module.
    "MHA": "fvcore ptflops torchprofile",
    "TEL": "fvcore ptflops ptflops_aten torchprofile",
    "sdpa with heads": "ptflops_aten",
    # Seen in one piece, or by functions that are called inside.
    "einsum": "fvcore torchprofile",
    "lppool": "ptflops torchprofile",
    "F.normalize": "ptflops",
    "activations": "ptflops",
    # How a size was said.
    "upsampling to a size": "ptflops",
    # Parameters count by their names.
    "bilinear": "torchinfo",
    "rms": "torchinfo",
    "wn": "torchinfo",
    "F.conv": "torchinfo",
    "x@W": "torchinfo",
}

#: A capture cannot tell padding="valid" from padding 0, and these count it as 0.
KNOWN_DIFFERENT = {("valid", "fvcore"), ("valid", "torchprofile")}
