"""Tables that others printed, cell by cell as they printed them, each row with its source.

The files beside this module are the data; a function of no arguments reads each. Columns named ``exact_...`` are no
quotations: whoever collected a table computed them beside it. Accuracies are quoted for plots; nothing here measures.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar, final

from costmodel.errors import CostModelError

MILLION = 10**6


@final
@dataclass(frozen=True, slots=True)
class Printed:
    """A printed figure, with what its last digit is worth: both in units.

    >>> Printed.parse("4.24", MILLION)
    Printed(value=4240000, step=10000)
    """

    value: int
    step: int

    @classmethod
    def parse(cls, text: str, unit: int = 1) -> Printed:
        """The figure that ``text`` prints in multiples of ``unit``.

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
        """Whether ``exact``, rounded half up at the last printed digit or at a coarser ``step``, is this figure.

        A figure printed as 15.3 G stands in the table as 15300 M: its step is 100 M. No multiple of the step, no.

        >>> Printed.parse("15300", MILLION).rounds(15_346_630_656, step=100 * MILLION)
        True
        """
        step = step or self.step
        return self.value % step == 0 and -step <= 2 * (exact - self.value) < step

    def truncates(self, exact: int, step: int = 0) -> bool:
        """Whether ``exact``, cut off after the last printed digit or at a coarser ``step``, is this figure.

        >>> printed = Printed.parse("300", MILLION)
        >>> printed.truncates(300_774_272), printed.rounds(300_774_272)
        (True, False)
        """
        step = step or self.step
        return self.value % step == 0 and 0 <= exact - self.value < step


@final
@dataclass(frozen=True, slots=True)
class PublishedFigure:
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
    def parameters(self) -> Printed | None:
        """The printed number of parameters: the exact one where there is one."""
        return _figure(self.params_exact, self.params_millions)

    @property
    def multiply_adds(self) -> Printed | None:
        """The printed number of multiply-adds, by whatever name the source calls them."""
        return _figure(self.madds_exact, self.madds_millions)


def _figure(exact: int | None, millions: str) -> Printed | None:
    if exact is not None:
        return Printed(exact, 1)
    return Printed.parse(millions, MILLION) if millions else None


@final
@dataclass(frozen=True, slots=True)
class MobileNetV1Row:
    """A layer of MobileNetV1: of the paper's Table 1, or of TF-slim's docstring, which also prints its cost."""

    order: int
    op: str
    kernel: int | None
    stride: int | None
    in_channels: int | None
    out_channels: int
    input_size: int | None
    alpha: float
    resolution: int
    weights: int | None
    madds: int | None
    source: str
    note: str


@final
@dataclass(frozen=True, slots=True)
class MobileNetV1Part:
    """A line of the MobileNetV1 paper's Table 2 (shares of the network by type) or 3 (one layer, narrowed stepwise)."""

    table: int
    row: str
    published_madds: str
    published_params: str
    unit: str
    exact_madds: int
    exact_params: int
    exact_madds_pct: Decimal | None
    exact_params_pct: Decimal | None
    source: str
    note: str


@final
@dataclass(frozen=True, slots=True)
class MobileNetV2Row:
    """A line of the MobileNetV2 paper's Table 2: ``n`` blocks that expand by ``t`` to ``c`` channels, stride ``s``."""

    input_size: int
    in_channels: int
    operator: str
    t: int | None
    c: str
    n: int | None
    s: int | None
    source: str


@final
@dataclass(frozen=True, slots=True)
class MemoryRow:
    """A line of the MobileNetV2 paper's Table 3: largest number of channels / memory at each size of the map."""

    size: str
    mobilenet_v1: str
    mobilenet_v2: str
    shufflenet_2x_g3: str
    unit: str
    source: str
    note: str


@final
@dataclass(frozen=True, slots=True)
class MobileNetV3Row:
    """A line of the MobileNetV3 paper's Tables 1 and 2; ``se`` is 1 where squeeze-excite is ticked."""

    net: str
    order: int
    input_size: int
    in_channels: int
    operator: str
    exp_size: int | None
    out: str
    se: int | None
    nl: str
    stride: int
    source: str


@final
@dataclass(frozen=True, slots=True)
class GoogLeNetRow:
    """A line of the GoogLeNet paper's Table 1. The ``_match`` columns are the collector's verdicts."""

    row: str
    out_size: int | None
    out_channels: int | None
    n1x1: int | None
    n3x3_reduce: int | None
    n3x3: int | None
    n5x5_reduce: int | None
    n5x5: int | None
    pool_proj: int | None
    published_params: str
    published_ops_millions: str
    exact_weights: int
    exact_weights_div1000: Decimal
    exact_weights_div1024: Decimal
    exact_madds: int
    params_match: str
    ops_match: str
    source: str


@cache
def published() -> tuple[PublishedFigure, ...]:
    """Costs and accuracies of whole networks, from papers and from the documentation of code.

    >>> row = next(row for row in published() if row.family == "MobileNetV2")
    >>> row.alpha, row.resolution, row.multiply_adds, row.top1
    (1.4, 224, Printed(value=582000000, step=1000000), Decimal('75.0'))
    >>> row.source
    'tensorflow/models@0ba83cf0 research/slim/nets/mobilenet/README.md'
    """
    return _rows("published", PublishedFigure)


@cache
def mobilenet_v1_rows() -> tuple[MobileNetV1Row, ...]:
    """Layers of MobileNetV1: the paper's, then TF-slim's at two widths.

    >>> mobilenet_v1_rows()[25].note
    'printed as s2 in the paper, but input and output are both 7x7: must be s1'
    """
    return _rows("mobilenet_v1_architecture", MobileNetV1Row)


@cache
def mobilenet_v1_parts() -> tuple[MobileNetV1Part, ...]:
    """The MobileNetV1 paper's Tables 2 and 3.

    >>> mobilenet_v1_parts()[0].row, mobilenet_v1_parts()[0].published_madds
    ('Conv 1x1', '94.86')
    """
    return _rows("mobilenet_v1_paper_tables_2_3", MobileNetV1Part)


@cache
def mobilenet_v2_rows() -> tuple[MobileNetV2Row, ...]:
    """The MobileNetV2 paper's Table 2.

    >>> mobilenet_v2_rows()[2].operator, mobilenet_v2_rows()[2].t, mobilenet_v2_rows()[2].c
    ('bottleneck', 6, '24')
    """
    return _rows("mobilenet_v2_architecture", MobileNetV2Row)


@cache
def mobilenet_v2_memory() -> tuple[MemoryRow, ...]:
    """The MobileNetV2 paper's Table 3, in the two versions that the paper had.

    >>> mobilenet_v2_memory()[1].mobilenet_v1
    '128/800'
    """
    return _rows("mobilenet_v2_memory", MemoryRow)


@cache
def mobilenet_v3_rows() -> tuple[MobileNetV3Row, ...]:
    """The MobileNetV3 paper's Tables 1 and 2, the latter in the two versions that the paper had.

    >>> mobilenet_v3_rows()[4].operator, mobilenet_v3_rows()[4].exp_size, mobilenet_v3_rows()[4].se
    ('bneck 5x5', 72, 1)
    """
    return _rows("mobilenet_v3_architecture", MobileNetV3Row)


@cache
def googlenet_rows() -> tuple[GoogLeNetRow, ...]:
    """The GoogLeNet paper's Table 1; its first line twice, as a dense and as a separable convolution.

    >>> googlenet_rows()[3].row, googlenet_rows()[3].published_params
    ('inception (3a)', '159K')
    """
    return _rows("googlenet_table1", GoogLeNetRow)


_Row = TypeVar("_Row")

#: Type of a column -> what reads its cells.
_READERS: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "Decimal": Decimal,
    "int | None": lambda cell: int(cell) if cell else None,
    "float | None": lambda cell: float(cell) if cell else None,
    "Decimal | None": lambda cell: Decimal(cell) if cell else None,
}


def _rows(name: str, row: Callable[..., _Row]) -> tuple[_Row, ...]:
    """The file called ``name``, whose columns are the fields of the dataclass ``row``, in their order."""
    columns = fields(row)  # type: ignore[arg-type]  # every caller gives a dataclass
    header, *lines = csv.reader(files(__package__).joinpath(f"{name}.csv").read_text("utf-8").splitlines())
    if header != [column.name for column in columns]:
        raise CostModelError(f"{name}.csv has the columns {', '.join(header)}; give its row class the same ones")
    readers = [_READERS[str(column.type)] for column in columns]
    return tuple(row(*(read(cell) for read, cell in zip(readers, line, strict=True))) for line in lines)
