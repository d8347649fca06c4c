"""Projects in a folder of their own: a configuration, and git where a test asks for it, without a user's settings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

#: What a check without a base says below its summary.
UNJUDGED = "Not judged without --base: growth since the branch began, models and budgets that it took away.\n"

#: git as if nobody had ever configured it.
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "init.defaultBranch",
    "GIT_CONFIG_VALUE_0": "main",
    "GIT_CONFIG_KEY_1": "protocol.file.allow",
    "GIT_CONFIG_VALUE_1": "always",
}


def configure(folder: Path, *models: str) -> None:
    """``costmodel.toml`` with ``models``, each the body of its table, called m0, m1 ... unless a line names it."""
    tables = [model if model.startswith("[") else f"[models.m{number}]\n{model}" for number, model in enumerate(models)]
    (folder / "costmodel.toml").write_text("\n".join(tables) + "\n", encoding="utf-8")


def student(budgets: str = "", **kwargs: object) -> str:
    """The body of a table for :func:`tests.guard.nets.student`."""
    given = ", ".join(f"{name} = {value!r}" for name, value in kwargs.items())
    return f'build = "tests.guard.nets:student"\nkwargs = {{ {given} }}\nbudgets = {{ {budgets} }}'


def git(folder: Path, *arguments: str) -> str:
    """What git prints; it must succeed."""
    environment = {**os.environ, **GIT_ENVIRONMENT}
    ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def commit(folder: Path, message: str = "a commit") -> str:
    """Everything in the folder, committed: the hash."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD").strip()
