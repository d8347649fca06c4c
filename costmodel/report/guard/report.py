"""What ``costmodel check`` and ``costmodel diff`` answer: a verdict on every model, in every format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from costmodel.guard.check import Verdict, status
from costmodel.guard.cost import ModelCost
from costmodel.guard.diff import Cause
from costmodel.quantities import precision
from costmodel.report.guard import tree
from costmodel.report.guard.junit import Case, junit
from costmodel.report.guard.safe import annotation, annotation_property, code, json, plain
from costmodel.report.guard.words import bytes_text, gain, subject, total, what

#: GitHub shows no more of one step.
MOST_ANNOTATIONS = 10
#: GitHub refuses a comment of over 65,536 characters; what is left is for the line that says so, and the fixes.
LONGEST_COMMENT = 60_000


@final
@dataclass(frozen=True)
class GuardReport:
    """Verdicts on models; ``lock`` and ``config`` are the files as people call them.

    With ``judged``, what changed is wrong (a check); otherwise it is news (a diff), from ``old`` to ``new``.
    ``note`` is what people should know about all of them; ``base`` is the branch that a check was also judged by.
    """

    verdicts: Sequence[Verdict]
    lock: str
    config: str = ""
    judged: bool = True
    old: str = ""
    new: str = ""
    note: str = ""
    base: str = ""

    @property
    def status(self) -> int:
        """The exit status."""
        worst = status(self.verdicts)
        return worst if self.judged or worst > 1 else 0

    @property
    def news(self) -> list[Verdict]:
        """The verdicts on which there is something to say, what cannot be counted first."""
        reported = [verdict for verdict in self.verdicts if verdict.status or verdict.notes]
        return sorted(reported, key=lambda verdict: -verdict.status)

    def text(self) -> str:
        """For a terminal: a line a model, the tree of what changed below it, and what to do."""
        lines = [] if self.judged else [f"From {plain(self.old)} to {plain(self.new)}:"]
        lines += [plain(self.note)] * bool(self.note and not self.judged)
        for verdict in self.verdicts:
            lines.append(f"{plain(verdict.name)}: {self._headline(verdict)}")
            lines += [f"  note: {plain(note)}" for note in verdict.notes]
            lines += [f"  {plain(line)}" for line in _wrongs(verdict)]
            if verdict.difference:
                lines += [f"  {line}" for line in tree.lines(verdict.difference)]
        said_last = [plain(self.note)] * bool(self.note and self.judged)
        return "\n".join([*lines, self._summary(), *self._mends(), *said_last])

    def _headline(self, verdict: Verdict) -> str:
        change = verdict.difference
        if verdict.error:
            return f"cannot be counted: {plain(verdict.error)}"
        if change is None:
            return "neither in the configuration nor in the lock"
        if change.new is None:
            return f"{'in the lock, not in the configuration; ' if self.judged else ''}{total(change)}"
        if change.old is None:
            return f"{'not in the lock; ' if self.judged else ''}{total(change)}"
        if change.changed:
            return f"changed: {total(change)}"
        same = "as locked" if self.judged else "unchanged"
        taken = f"; {bytes_text(change.new.bytes)}" if change.new.bytes else ""
        return f"{same}: {change.new.multiply_adds:,} multiply-adds, {change.new.parameters:,} parameters{taken}"

    def _summary(self) -> str:
        counts = {
            "in order" if self.judged else "unchanged": sum(not verdict.status for verdict in self.verdicts),
            "not as locked" if self.judged else "changed": sum(verdict.stale for verdict in self.verdicts),
            "over budget": sum(bool(verdict.violations) for verdict in self.verdicts),
            "guarded less": sum(bool(verdict.unguarded) for verdict in self.verdicts),
            "not counted": sum(bool(verdict.error) for verdict in self.verdicts),
        }
        counted = [f"{count} {word}" for word, count in counts.items() if count]
        return f"{self.models()}: {', '.join(counted) or 'nothing to compare'}"

    def models(self) -> str:
        """How many there are.

        >>> GuardReport((Verdict("student"),), "costmodel.lock").models()
        '1 model'
        """
        return f"{len(self.verdicts)} model{'s' if len(self.verdicts) != 1 else ''}"

    def _mends(self, name: Callable[[str], str] = plain) -> list[str]:
        if not self.judged:
            return []
        stale = [verdict for verdict in self.verdicts if verdict.stale]
        unguarded = any(verdict.unguarded for verdict in self.verdicts)
        fixes = []
        if stale and not unguarded and all(verdict.difference and verdict.difference.old is None for verdict in stale):
            fixes.append(f"Run `costmodel lock` and commit {name(self.lock)}.")
        elif stale or unguarded:
            base = f" --base {plain(self.base)}" * unguarded
            fixes.append(
                f'If this is meant: costmodel lock --update --reason "..."{base} and commit {name(self.lock)}.'
            )
        if any(verdict.violations for verdict in self.verdicts):
            fixes.append(f"The budgets are in {name(self.config)}.")
        return fixes

    def json(self) -> str:
        """The stable contract: every model with its costs, every change with every layer; exact integers."""
        document: dict[str, object] = {"status": self.status, "note": self.note or None}
        if not self.judged:
            document |= {"old": self.old, "new": self.new}
        return json(document | {"models": [_fields(verdict) for verdict in self.verdicts]})

    def markdown(self) -> str:
        """A comment for a pull request; empty where there is nothing to say."""
        news = self.news
        if not news:
            return ""
        title = "What the models cost"
        if self.judged:
            title = "The cost check failed" if self.status else "The cost check passed, with notes"
        noted = [code(self.note), ""] * bool(self.note)
        lines = [f"### {title}", "", self._summary(), "", *([] if self.judged else noted)]
        for place, verdict in enumerate(news):
            part = [f"**{code(verdict.name)}**", "", *self._table(verdict), *self._bullets(verdict), ""]
            if sum(map(len, [*lines, *part])) > LONGEST_COMMENT:
                lines += [f"{len(news) - place} models more are not shown here.", ""]
                break
            lines += part
        fixes = self._mends(code)
        return "\n".join([*lines, *fixes, *([""] * bool(fixes) + noted if self.judged else [])]).rstrip("\n")

    def _table(self, verdict: Verdict) -> list[str]:
        change = verdict.difference
        if change is None or change.old is None or change.new is None:
            return []
        quantities = [
            ("multiply-adds", change.old.multiply_adds, change.new.multiply_adds),
            ("parameters", change.old.parameters, change.new.parameters),
        ]
        before, after = change.old.bytes, change.new.bytes
        if before and after and before.dtype == after.dtype:
            unit = f"bytes at {precision(after.dtype)}"
            quantities += [
                (f"peak memory, {unit}", before.peak_memory, after.peak_memory),
                (f"size, {unit}", before.size, after.size),
            ]
        rows = [f"| {quantity} | {old:,} | {new:,} | {gain(new - old, old)} |" for quantity, old, new in quantities]
        return ["| | before | now | change |", "|:---|---:|---:|---:|", *rows, ""]

    def _bullets(self, verdict: Verdict) -> list[str]:
        if verdict.error:
            return [f"- cannot be counted: {code(verdict.error)}"]
        bullets = [f"- over budget: {code(violation)}" for violation in verdict.violations]
        bullets += [f"- guarded less: {code(lost)}" for lost in verdict.unguarded]
        bullets += [f"- note: {code(note)}" for note in verdict.notes]
        change = verdict.difference
        if change is None:
            return bullets
        if change.changed and not change.causes:
            bullets.append(f"- {self._headline(verdict)}")
        return [*bullets, *(f"- {line}" for line in tree.causes(change, quoted=code))]

    def github(self) -> str:
        """Workflow commands, at most 10, each an annotation of the lock; then the text."""
        news = self.news
        shown = news if len(news) <= MOST_ANNOTATIONS else news[: MOST_ANNOTATIONS - 1]
        level = "error" if self.judged else "notice"
        commands = []
        for verdict in shown:
            place = f"file={annotation_property(plain(self.lock))}" + (f",line={verdict.line}" if verdict.line else "")
            title = annotation_property(f"costmodel: {plain(verdict.name)}")
            kind = "error" if verdict.error else level if verdict.status else "notice"
            commands.append(f"::{kind} {place},title={title}::{annotation(self._message(verdict))}")
        if len(shown) < len(news):
            rest = f"{len(news) - len(shown)} models more are named in the log and in the summary of the job"
            commands.append(f"::{level} title=costmodel::{rest}")
        return "\n".join([*commands, self.text()])

    def _message(self, verdict: Verdict) -> str:
        lines = [
            self._headline(verdict),
            *map(plain, _wrongs(verdict)),
            *(f"note: {plain(note)}" for note in verdict.notes),
        ]
        if verdict.difference:
            lines += tree.causes(verdict.difference, most=3)
        return "\n".join(lines)

    def summary(self) -> str:
        """Markdown for the summary of a job, which says so where all is in order."""
        return self.markdown() or "\n\n".join([f"costmodel: {self._summary()}"] + [code(self.note)] * bool(self.note))

    def junit(self) -> str:
        """JUnit's XML: a test case a model."""
        return junit([self._case(verdict) for verdict in self.verdicts])

    def _case(self, verdict: Verdict) -> Case:
        if not verdict.status:
            return Case(verdict.name, "system-out", "", self._message(verdict)) if verdict.notes else Case(verdict.name)
        if verdict.status == 1 and not self.judged:
            return Case(verdict.name, "system-out", "", self._message(verdict))
        tag = "error" if verdict.status == 2 else "failure"
        return Case(verdict.name, tag, self._headline(verdict), self._message(verdict))


def _wrongs(verdict: Verdict) -> list[str]:
    """What is asked of a model and not kept, a line each."""
    over = [f"over budget: {violation}" for violation in verdict.violations]
    return over + [f"guarded less: {lost}" for lost in verdict.unguarded]


def _fields(verdict: Verdict) -> dict[str, object]:
    change = verdict.difference
    sides = {
        side: None if cost is None else _amounts(cost)
        for side, cost in (("old", change.old if change else None), ("new", change.new if change else None))
    }
    return {
        "name": verdict.name,
        "status": verdict.status,
        **sides,
        "changes": [_change(cause) for cause in change.causes] if change else [],
        "violations": list(verdict.violations),
        "unguarded": list(verdict.unguarded),
        "notes": list(verdict.notes),
        "error": verdict.error or None,
    }


def _amounts(cost: ModelCost) -> dict[str, object]:
    amounts: dict[str, object] = {"multiply_adds": cost.multiply_adds, "parameters": cost.parameters}
    return amounts | ({"bytes": cost.bytes._asdict()} if cost.bytes else {})


def _change(cause: Cause) -> dict[str, object]:
    return {
        "kind": cause.kind,
        "layer": subject(cause),
        "what": what(cause),
        "multiply_adds": cause.multiply_adds,
        "parameters": cause.parameters,
        "perhaps": list(cause.perhaps),
        "layers": [
            {
                "old": change.old.name if change.old else None,
                "new": change.new.name if change.new else None,
                "multiply_adds": change.multiply_adds,
                "parameters": change.parameters,
            }
            for change in cause.layers
        ],
    }
