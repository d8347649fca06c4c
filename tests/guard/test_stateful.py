"""Any sequence of edits, locks, updates and damage: what ``check`` and ``lock`` answer follows from what was edited."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from costmodel.guard.cost import present
from costmodel.guard.lockfile import read
from tests.cli_runner import run

NAMES = st.sampled_from(["a", "b", "c d", "##[x]"])
WIDTHS = st.sampled_from([32, 48, 64])
REASONS = st.sampled_from(["", "wider", 'a | "b"'])


class Project(RuleBasedStateMachine):
    """A project, and beside it what its configuration and its lock hold: the width of each model."""

    def __init__(self) -> None:
        super().__init__()
        self.before = os.getcwd()
        self.folder = tempfile.TemporaryDirectory()
        os.chdir(self.folder.name)
        self.listed: dict[str, int] = {}
        self.locked: dict[str, int] = {}
        self.damaged = False
        self.put("a", 32)

    def teardown(self) -> None:
        os.chdir(self.before)
        self.folder.cleanup()

    def _configure(self) -> None:
        tables = [
            f"[models.'{name}']\nbuild = 'tests.guard.nets:student'\nkwargs = {{ hidden = {width}, blocks = 2 }}\n"
            for name, width in self.listed.items()
        ]
        Path("costmodel.toml").write_text("".join(tables))

    @rule(name=NAMES, width=WIDTHS)
    def put(self, name: str, width: int) -> None:
        """A new model, or another width."""
        self.listed[name] = width
        self._configure()

    @precondition(lambda self: len(self.listed) > 1)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """A model is gone."""
        del self.listed[data.draw(st.sampled_from(sorted(self.listed)))]
        self._configure()

    @rule(data=st.data(), name=NAMES)
    def rename(self, data: st.DataObject, name: str) -> None:
        """A model under another name."""
        old = data.draw(st.sampled_from(sorted(self.listed)))
        self.listed[name] = self.listed.pop(old)
        self._configure()

    @precondition(lambda self: Path("costmodel.lock").exists())
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """A line of a layer is edited, or taken out."""
        lines = Path("costmodel.lock").read_text().split("\n")
        layers = [number for number, line in enumerate(lines) if line.startswith("  ")]
        if not layers:
            return
        number = data.draw(st.sampled_from(layers))
        edited = lines[number].replace(" | ", " | 1", 1)
        lines[number : number + 1] = data.draw(st.sampled_from([[], [edited]]))
        Path("costmodel.lock").write_text("\n".join(lines))
        self.damaged = True

    @rule(update=st.booleans(), reason=REASONS)
    def lock(self, update: bool, reason: str) -> None:
        """What is new is added; what changed or is gone needs --update; what is damaged too."""
        content = Path("costmodel.lock").read_bytes() if Path("costmodel.lock").exists() else None
        answer = run("lock", *["--update"] * update, *(["--reason", reason] if reason else []))
        overwrites = any(self.listed.get(name) != width for name, width in self.locked.items())
        if self.damaged and not update:
            assert answer.status == 2
        elif overwrites and not update:
            assert answer.status == 1
        else:
            assert answer.status == 0
            self.locked, self.damaged = dict(self.listed), False
            return
        assert Path("costmodel.lock").read_bytes() == content

    @rule(style=st.sampled_from(["text", "json", "markdown", "github", "junit"]))
    def check(self, style: str) -> None:
        """0 where all is as locked, 1 where anything is not, 2 where the lock cannot be read."""
        content = Path("costmodel.lock").read_bytes() if Path("costmodel.lock").exists() else None
        answer = run("check", "--format", style)
        assert answer.status == (2 if self.damaged else int(self.listed != self.locked))
        assert (Path("costmodel.lock").read_bytes() if Path("costmodel.lock").exists() else None) == content
        assert "##[" not in answer.out
        if style == "json" and not self.damaged:
            wrong = {model["name"] for model in json.loads(answer.out)["models"] if model["status"]}
            names = {*self.listed, *self.locked}
            assert wrong == {name for name in names if self.listed.get(name) != self.locked.get(name)}

    @invariant()
    def the_lock_holds_what_was_locked(self) -> None:
        """And a reader finds it there."""
        if self.damaged or not Path("costmodel.lock").exists():
            return
        found = present(read(Path("costmodel.lock").read_bytes()))
        assert set(found) == set(self.locked)
        for name, width in self.locked.items():
            assert next(layer for layer in found[name].layers if layer.name == "body.1.expand").makes[:2] == str(width)


TestProject = Project.TestCase
# An example is twenty commands.
TestProject.settings = settings(max_examples=max(settings.default.max_examples // 10, 1), stateful_step_count=20)
