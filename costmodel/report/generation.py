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

    generation: Generation

    def lines(self) -> list[str]:
        generation, prefill = self.generation, self.generation.prefill
        total, cache = generation.multiply_adds, generation.cache_bytes
        return [
            f"{total:,} multiply-adds = {si(2 * total, 'FLOPs')}: {prefill.multiply_adds:,} for the prompt +"
            f" {total - prefill.multiply_adds:,} for {generation.new - 1} more tokens; keys and values {cache:,} bytes"
            f" ({si(cache, 'B')})",
            subject(generation.network, generation.batch),
            *self._time(),
            f"Keys and values: {generation.cache_bytes_per_token:,} bytes a token of each sample"
            + (f", of the last {generation.sizes.window:,} tokens." if generation.sizes.window else "."),
            "The pass over the prompt says the first new token, and its head works at every token; each further token"
            " is a pass over one.",
        ]

    def _time(self) -> list[str]:
        generation = self.generation
        if generation.machine is None or generation.seconds is None:
            return []
        first = generation.prefill.seconds
        assert first is not None
        rest = float(generation.seconds - first)
        each = f", then {duration(rest / len(generation.decoded))} a token" if generation.decoded else ""
        total, prompt = duration(float(generation.seconds)), duration(float(first))
        return [f"At least {total} on {machine_text(generation.machine)}: {prompt} for the prompt{each}"]

    def table(self) -> Table:
        """A row a pass."""
        generation = self.generation
        names = ["prompt", *[f"token {generation.prompt + 1 + number}" for number in range(len(generation.decoded))]]
        rows = tuple([self._row(name, place) for place, name in enumerate(names)])
        return Table(("name", "tokens", "multiply_adds", "cache_bytes"), rows)

    def _row(self, name: str, place: int) -> tuple[Cell, ...]:
        one = self.generation.passes[place]
        return name, one.tokens, one.multiply_adds, one.cache_bytes

    def narrow(self) -> Table:
        """The prompt, the first pass over a token, and the last."""
        table = self.table()
        return table._replace(rows=table.rows if len(table.rows) < 4 else (*table.rows[:2], table.rows[-1]))

    def document(self) -> object:
        """The stable contract: exact multiply-adds and bytes, in total and a pass."""
        generation = self.generation
        return {
            "model": generation.network.name,
            "prompt": generation.prompt,
            "new": generation.new,
            "batch": generation.batch,
            "dtype": generation.dtype or None,
            "multiply_adds": generation.multiply_adds,
            "prefill": generation.prefill.multiply_adds,
            "cache_bytes_per_token": generation.cache_bytes_per_token,
            "cache_bytes": generation.cache_bytes,
            "device": generation.machine.name if generation.machine else None,
            "bound_seconds": None if generation.seconds is None else float(generation.seconds),
            "rows": self.table().records(),
        }
