"""The report of ``costmodel sweep``: a row a design, on the screen or in a file."""

from __future__ import annotations

from decimal import Decimal
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, missing_package
from costmodel.quantities import precision
from costmodel.report.answer import Answer
from costmodel.report.count import COUNTED
from costmodel.report.table import Cell, Table
from costmodel.scaling.measured import MACHINES, MODES

if TYPE_CHECKING:
    import pandas

#: Beyond this, a table is for a program, and takes long to align for a person.
MOST_ROWS = 10_000


@final
class SweepReport(Answer):
    """The grid that :func:`~costmodel.scaling.sweep.sweep` returns."""

    frame: pandas.DataFrame

    def lines(self) -> tuple[str, ...]:
        counts, models = self.frame["multiply_adds"], ", ".join(self.frame["model"].unique())
        designs = f"{len(counts):,} design{'s' * (len(counts) > 1)} of {models}"
        missing = not_counted_in(self.frame)
        least, ending = ("at least ", f"; not counted: {missing}") if missing else ("", "")
        notes = [f"{designs}: {least}{counts.min():,} to {counts.max():,} multiply-adds{ending}", COUNTED]
        if sources := [source for source in self.frame["top1_source"].unique() if source]:
            notes.append(f"top1: percent on ImageNet, where a source measured that very network: {', '.join(sources)}.")
        if "dtype" in self.frame.attrs:
            at, policy = precision(self.frame.attrs["dtype"]), self.frame.attrs["policy"]
            notes.append(f"peak_memory and size: bytes at {at}, of memory under the policy {policy}.")
        timed = [f"{name} on {MACHINES[name]} ({MODES[name]})" for name in MACHINES if self.frame[name].notna().any()]
        if timed:
            of_times = dict.fromkeys("; ".join(filter(None, self.frame["ms_source"].unique())).split("; "))
            where = f"{', '.join(timed)}; {'; '.join(of_times)}"
            notes.append(f"Milliseconds an image, where a source measured that very network: {where}.")
        return tuple(notes)

    def table(self) -> Table:
        """Columns that are not empty throughout; sources stand above."""
        if len(self.frame) > MOST_ROWS:
            raise CostModelError(
                f"{len(self.frame):,} rows are too many for a table (the most is {MOST_ROWS:,}); write them to a file,"
                " as in -o grid.csv, or use --format csv"
            )
        known = (self.frame != "") & self.frame.notna()
        columns = [column for column in self.frame.columns if not column.endswith("_source") and known[column].any()]
        rows = zip(*[map(cell, self.frame[column].tolist()) for column in columns], strict=True)
        return Table(tuple(columns), tuple(rows))

    def csv(self) -> str:
        text: str = self.frame.to_csv(index=False, lineterminator="\n")
        return text.rstrip("\n")

    def document(self) -> object:
        """A list of objects; None where nothing was measured."""
        return [{name: _plain(value) for name, value in row.items()} for row in self.frame.to_dict("records")]

    def parquet(self) -> bytes:
        """Needs pyarrow."""
        out = BytesIO()
        self.frame.to_parquet(out, engine="pyarrow", index=False)
        return out.getvalue()

    def file(self, suffix: str) -> bytes:
        """What a file with ``suffix`` holds: .csv, .parquet, .json or .md."""
        if suffix == ".parquet":
            return self.parquet()
        text = {".csv": self.csv, ".json": self.json, ".md": self.markdown}[suffix]()
        return f"{text}\n".encode()


def file_suffix(path: str) -> str:
    """The suffix of ``path``, if such a file can be written here: asked before a long sweep, not after it.

    >>> file_suffix("grid.xlsx")
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: 'grid.xlsx' has no suffix that is known; end it in .csv, .parquet, .json or .md
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", ".parquet", ".json", ".md"):
        raise CostModelError(f"{path!r} has no suffix that is known; end it in .csv, .parquet, .json or .md")
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        raise missing_package("a .parquet file", "pyarrow")
    if not Path(path).absolute().parent.is_dir():
        raise CostModelError(f"cannot write {path}: {Path(path).parent} is no folder; make it, or name another")
    return suffix


def not_counted_in(frame: pandas.DataFrame) -> str:
    """What could not be counted of some design of a sweep; empty where all is."""
    if "not_counted" not in frame:
        return ""
    texts = [text for text in frame["not_counted"].unique() if text]
    return " or ".join([*texts[:3], *["others"] * (len(texts) > 3)])


def _plain(value: Any) -> Any:
    return None if value is None or value != value else value


def cell(value: Any) -> Cell:
    """A value of a design as the cell of a table."""
    if _plain(value) in (None, ""):
        return ""
    if isinstance(value, tuple):
        return str(Shape(value[0], value[1:]))
    if isinstance(value, float):
        return Decimal(repr(value))
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)
