"""The report of ``costmodel generate``: all passes in a line, what is kept, then a row a pass."""

from __future__ import annotations

from typing import final

from costmodel.analyses.generation import Generation
from costmodel.report.answer import Answer
from costmodel.report.costs import subject
from costmodel.report.roofline import machine_text
from costmodel.report.table import Cell, Table
from costmodel.report.units import duration, si


@final
class GenerationReport(Answer):
    """What a language model costs that writes."""

    found: Generation

    def lines(self) -> list[str]:
        found, prefill = self.found, self.found.prefill
        decoded = found.multiply_adds - prefill.multiply_adds
        return [
            f"{found.multiply_adds:,} multiply-adds = {si(2 * found.multiply_adds, 'FLOPs')}: {prefill.multiply_adds:,}"
            f" for the prompt + {decoded:,} for {found.new - 1} more tokens; keys and values {found.cache_bytes:,}"
            f" bytes ({si(found.cache_bytes, 'B')})",
            subject(found.network, found.batch),
            *self._time(),
            f"Keys and values: {found.cache_bytes_per_token:,} bytes a token of each sample"
            + (f", of the last {found.sizes.window:,} tokens." if found.sizes.window else "."),
            "The pass over the prompt says the first new token, and its head works at every token; each further token"
            " is a pass over one.",
        ]

    def _time(self) -> list[str]:
        found = self.found
        if found.machine is None or found.seconds is None:
            return []
        first = found.prefill.seconds
        assert first is not None
        rest = float(found.seconds - first)
        each = f", then {duration(rest / len(found.decoded))} a token" if found.decoded else ""
        total, prompt = duration(float(found.seconds)), duration(float(first))
        return [f"At least {total} on {machine_text(found.machine)}: {prompt} for the prompt{each}"]

    def table(self) -> Table:
        """A row a pass."""
        found = self.found
        names = ["prompt", *[f"token {found.prompt + 1 + number}" for number in range(len(found.decoded))]]
        rows = tuple([self._row(name, place) for place, name in enumerate(names)])
        return Table(("name", "tokens", "multiply_adds", "cache_bytes"), rows)

    def _row(self, name: str, place: int) -> tuple[Cell, ...]:
        one = self.found.passes[place]
        return name, one.tokens, one.multiply_adds, one.cache_bytes

    def narrow(self) -> Table:
        """The prompt, the first pass over a token, and the last."""
        table = self.table()
        return table._replace(rows=table.rows if len(table.rows) < 4 else (*table.rows[:2], table.rows[-1]))

    def document(self) -> object:
        """The stable contract: exact multiply-adds and bytes, in total and a pass."""
        found = self.found
        return {
            "model": found.network.name,
            "prompt": found.prompt,
            "new": found.new,
            "batch": found.batch,
            "dtype": found.dtype or None,
            "multiply_adds": found.multiply_adds,
            "prefill": found.prefill.multiply_adds,
            "cache_bytes_per_token": found.cache_bytes_per_token,
            "cache_bytes": found.cache_bytes,
            "device": found.machine.name if found.machine else None,
            "bound_seconds": None if found.seconds is None else float(found.seconds),
            "rows": self.table().records(),
        }
