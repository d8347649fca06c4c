"""Tables that others printed, cell by cell as they printed them, each row with its source.

The CSV files beside this module are the data. Columns named ``exact_...`` and ``..._match`` are no quotations: whoever
collected a table computed them. Accuracies are quoted for plots; nothing here measures.
"""

from __future__ import annotations

import csv
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias, final

from costmodel.errors import CostModelError

MILLION = 10**6

#: A row of a table: a named tuple of its cells. The columns are different in every table.
Row: TypeAlias = Any


@final
@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """A number as it is printed: its value, and what its last digit is worth (``step``), both in units.

    >>> PrintedNumber.parse("4.24", MILLION)
    PrintedNumber(value=4240000, step=10000)
    """

    value: int
    step: int

    @classmethod
    def parse(cls, text: str, unit: int = 1) -> PrintedNumber:
        """The number that ``text`` prints in multiples of ``unit``.

        Raises :class:`~costmodel.errors.CostModelError` where ``text`` is no decimal number, or its last digit is
        worth less than 1.
        """
        try:
            digits = Decimal(text)
            exponent = digits.as_tuple().exponent
            value, step = digits * unit, Decimal(10) ** int(exponent) * unit
        except (ArithmeticError, ValueError):
            raise CostModelError(f"{text!r} is not a decimal number; write it as 4.24") from None
        if step != int(step):
            raise CostModelError(f"{text!r} in units of {unit} prints parts of one; a count is whole")
        return cls(int(value), int(step))

    def rounds(self, exact: int, step: int = 0) -> bool:
        """Whether ``exact``, rounded half up at the last printed digit or at a coarser ``step``, is this number.

        A number printed as 15.3 G stands in the table as 15300 M: its step is 100 M. No multiple of the step, no.

        >>> PrintedNumber.parse("15300", MILLION).rounds(15_346_630_656, step=100 * MILLION)
        True
        """
        step = step or self.step
        return self.value % step == 0 and -step <= 2 * (exact - self.value) < step

    def truncates(self, exact: int, step: int = 0) -> bool:
        """Whether ``exact``, cut off after the last printed digit or at a coarser ``step``, is this number.

        >>> printed = PrintedNumber.parse("300", MILLION)
        >>> printed.truncates(300_774_272), printed.rounds(300_774_272)
        (True, False)
        """
        step = step or self.step
        return self.value % step == 0 and 0 <= exact - self.value < step


@final
@dataclass(frozen=True, slots=True)
class PublishedNetwork:
    """A network's cost and accuracy as one source prints them. A cell that the source leaves out is None, or empty.

    Costs are kept as text in millions, or exact where the source is; :attr:`parameters` and :attr:`multiply_adds`
    read them.
    """

    family: str
    variant: str
    alpha: float | None
    resolution: int | None
    params_millions: str
    params_exact: int | None
    madds_millions: str
    madds_exact: int | None
    top1: Decimal | None
    top5: Decimal | None
    source: str

    @property
    def parameters(self) -> PrintedNumber | None:
        """The printed number of parameters: the exact one where there is one."""
        return _printed(self.params_exact, self.params_millions)

    @property
    def multiply_adds(self) -> PrintedNumber | None:
        """The printed number of multiply-adds, by whatever name the source calls them."""
        return _printed(self.madds_exact, self.madds_millions)


def _printed(exact: int | None, millions: str) -> PrintedNumber | None:
    if exact is not None:
        return PrintedNumber(exact, 1)
    return PrintedNumber.parse(millions, MILLION) if millions else None


@cache
def published() -> tuple[PublishedNetwork, ...]:
    """Costs and accuracies of whole networks, from papers and from the documentation of code.

    >>> row = next(row for row in published() if row.family == "MobileNetV2")
    >>> row.alpha, row.resolution, row.multiply_adds, row.top1
    (1.4, 224, PrintedNumber(value=582000000, step=1000000), Decimal('75.0'))
    >>> row.source
    'tensorflow/models@0ba83cf0 research/slim/nets/mobilenet/README.md'
    """
    return tuple(PublishedNetwork(**row._asdict()) for row in paper_table("published"))


@cache
def paper_table(name: str) -> tuple[Row, ...]:
    """The rows of a table, in their order; a cell is an attribute of its row, None where a number is missing.

    * ``mobilenet_v1_architecture``: layers of MobileNetV1, of the paper's Table 1, then of TF-slim's docstring at two
      widths, which also prints what each costs;
    * ``mobilenet_v1_paper_tables_2_3``: shares by type of layer, and one layer made cheaper step by step;
    * ``mobilenet_v2_architecture``: the paper's Table 2, ``n`` blocks that expand by ``t`` to ``c`` channels, stride
      ``s``;
    * ``mobilenet_v2_memory``: the paper's Table 3, most channels / memory at each size, in the paper's two versions;
    * ``tflite_arena``: the arena of three TFLite files in bytes, as the interpreter of TFLite Micro reports it;
    * ``memory_peaks``: the most activation memory of whole networks in bytes, by arithmetic and as printed;
    * ``mobilenet_v3_architecture``: the paper's Tables 1 and 2, the latter in the paper's two versions; ``se`` is 1
      where squeeze-and-excite is ticked;
    * ``googlenet_table1``: the paper's Table 1; its first row twice, as a dense and as a separable convolution;
    * ``receptive_field``: what the end points of four TF-slim networks see of the image, where a table prints it;
    * ``latency_timm``: milliseconds that a batch takes, of networks that timm measured on two machines;
    * ``llm_conventions``: a step of training a language model, as MaxText counts it;
    * ``kv_cache``: the bytes of keys and values that language models keep for each token;
    * ``training``: what a step of training keeps and computes, as papers and PyTorch say;
    * ``published``: whole networks, which :func:`published` reads;
    * ``models``: the network here that such a row is about; of the patterns, the first that fits.

    >>> row = paper_table("mobilenet_v2_architecture")[2]
    >>> row.operator, row.t, row.c, row.source
    ('bottleneck', 6, '24', 'arXiv:1801.04381 Table 2')
    >>> paper_table("googlenet_table1")[3].published_params
    '159K'
    """
    header, *lines = csv.reader(files(__package__).joinpath(f"{name}.csv").read_text("utf-8").splitlines())
    row: Any = namedtuple("row", header)  # type: ignore[misc]  # the columns are in the file
    readers = [_reader(column) for column in header]
    return tuple(row(*(read(cell) for read, cell in zip(readers, line, strict=True))) for line in lines)


#: Columns of numbers, by their type; all others are text, in which "4.20" keeps its digits.
_NUMBERS: dict[Callable[[str], Any], str] = {
    int: "order table resolution num_classes groups input_size in_channels out_channels out_size kernel stride t n s"
    " exp_size se weights madds params_exact madds_exact exact_madds exact_params exact_weights"
    " receptive_field effective_stride effective_padding batch"
    " bytes_per_value bytes_per_token layers kv_heads head_size sequence"
    " peak_bytes n1x1 n3x3_reduce n3x3 n5x5_reduce n5x5 pool_proj",
    float: "alpha",
    Decimal: "top1 top5 step_ms exact_madds_pct exact_params_pct exact_weights_div1000 exact_weights_div1024",
}


def _reader(column: str) -> Callable[[str], Any]:
    number = next((number for number, columns in _NUMBERS.items() if column in columns.split()), None)
    return str if number is None else lambda cell: number(cell) if cell else None
