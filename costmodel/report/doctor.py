"""The report of ``costmodel doctor``: what is installed, what that enables, and which configuration holds here."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import final

from costmodel.errors import CostModelError
from costmodel.files import seen
from costmodel.guard import config
from costmodel.report.answer import Answer
from costmodel.report.table import Table
from costmodel.version import __version__

#: Package -> what it enables; the first three come with costmodel.
_PACKAGES = {
    "click": "the command line",
    "pandas": "tables in Python, sweep, solve",
    "matplotlib": "--plot",
    "torch": "PyTorch modules, roofline --measure",
    "fvcore": "verify, with torch",
    "onnx": ".onnx files",
    "tflite": ".tflite files",
    "keras": "Keras models and .keras files, with torch",
    "transformers": "hf:config.json, with torch",
    "pyarrow": "sweep -o grid.parquet",
    "sympy": "formula separable",
    "distributed": "sweep --summary --dask",
}


@final
class DoctorReport(Answer):
    """A row a package; ``folder`` is where a configuration is looked for."""

    folder: Path

    def lines(self) -> Sequence[str]:
        there = f"costmodel {__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}"
        lines = [there, f"Installed at {Path(__file__).parent.parent}", self._configuration()]
        if _version("costmodel"):
            lines.append(
                "Another project's package, which is called costmodel, is installed too, and one hides the other: "
                "pip uninstall costmodel, then install this one again."
            )
        return lines

    def _configuration(self) -> str:
        try:
            project = config.load(config.find(self.folder))
        except CostModelError as error:
            return f"Configuration: {error}"
        lock = "locked" if project.lock.is_file() else "not locked yet: costmodel lock"
        names = ", ".join(model.name for model in project.models)
        return f"Configuration: {seen(project.path)} lists {names}; {lock}"

    def table(self) -> Table:
        """Package, version, what it enables, and how to get it where it is missing."""
        rows = [
            (name, _version(name) or "not installed", enables, "" if _version(name) else f"pip install {name}")
            for name, enables in _PACKAGES.items()
        ]
        return Table(("package", "version", "enables", "to install"), tuple(rows))

    def document(self) -> object:
        packages = {name: _version(name) or None for name in _PACKAGES}
        return {"costmodel": __version__, "python": platform.python_version(), "packages": packages,
                "configuration": self._configuration()}  # fmt: skip


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
