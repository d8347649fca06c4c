"""What ``costmodel check`` and ``costmodel diff`` answer where nothing could be checked, in every format but text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from costmodel.report.guard.junit import Case, junit
from costmodel.report.guard.safe import annotation, annotation_property, code, json, plain


@final
@dataclass(frozen=True)
class FailureReport:
    """The one error that ended it; ``file`` and ``line`` are where to fix it, as far as that is known."""

    error: str
    file: str = ""
    line: int = 0

    def json(self) -> str:
        """An object with the status and the error."""
        where = {"file": self.file or None, "line": self.line or None}
        return json({"status": 2, "models": [], "error": self.error, **where})

    def markdown(self) -> str:
        """A comment for a pull request, and the summary of a job.

        >>> print(FailureReport("no lock").markdown())
        ### The cost check could not run
        <BLANKLINE>
        `no lock`
        """
        return f"### The cost check could not run\n\n{code(self.error)}"

    def github(self) -> str:
        """An annotation, at the line to fix where that is known.

        >>> print(FailureReport("50 % more", "a,b.lock", 7).github())
        ::error file=a%2Cb.lock,line=7,title=costmodel::50 %25 more
        """
        places = [f"file={annotation_property(plain(self.file))}"] * bool(self.file)
        places += [f"line={self.line}"] * bool(self.file and self.line)
        return f"::error {','.join([*places, 'title=costmodel'])}::{annotation(plain(self.error))}"

    def junit(self) -> str:
        """JUnit's XML: a single test case, with an error."""
        return junit([Case("costmodel", "error", self.error, plain(self.error))])
