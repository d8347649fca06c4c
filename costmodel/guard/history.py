"""Lock files of the past, read with git: of a commit, or of the commit where a branch began."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from costmodel.errors import CostModelError
from costmodel.guard import config, lockfile
from costmodel.guard.base import Base
from costmodel.guard.cost import ModelCost, present

#: What can be the name of a branch and no expression such as HEAD~3; and what is more likely a hash.
_BRANCH = re.compile(r"(?!HEAD$)\w[\w./-]*")
_HASH = re.compile(r"[0-9a-f]{7,64}")

_TWO_FILES = "or compare two lock files: costmodel diff OLD.lock NEW.lock"


class NoLockError(CostModelError):
    """The commit is there and has no lock file; ``place`` names it for people."""

    place = ""


class Past(NamedTuple):
    """The models of a lock as it was in a commit; ``place`` names both for people.

    ``commit`` is its hash, and ``folder`` where the lock was in it, from the root of the repository, with a slash at
    the end where that is not the root.
    """

    models: dict[str, ModelCost]
    place: str
    commit: str
    folder: str


def default_base(folder: Path) -> str:
    """The branch that a clone began with, as its ``origin`` calls it; ``origin/main`` where that is not known."""
    answer = _git(folder, "rev-parse", "--abbrev-ref", "origin/HEAD")
    branch = answer.text.strip()
    return branch if answer.status == 0 and branch != "origin/HEAD" else "origin/main"


def at_merge_base(lock: Path, base: str) -> Past:
    """The lock as it was where HEAD and ``base`` parted.

    Raises :class:`~costmodel.errors.CostModelError`, with the command that fixes it, where there is no git, no
    repository, no ``base``, no commit that both have (a shallow clone), or no lock in that commit.
    """
    folder = lock.parent
    _repository(folder)
    ours, theirs = _commit(folder, "HEAD"), _commit(folder, base)
    answer = _git(folder, "merge-base", ours, theirs)
    if answer.status:
        if _shallow(folder):
            raise CostModelError(
                f"this clone is shallow and does not reach back to where HEAD and {base} parted;"
                f" run `{_fetch(folder, base)}` (in a GitHub workflow: actions/checkout with fetch-depth: 0)"
            )
        raise CostModelError(f"HEAD and {base} have no commit in common; name another with --base BRANCH")
    commit = answer.text.split()[0]
    return _lock(lock, commit, f"where HEAD and {base} parted")


def base_of(lock: Path, base: str) -> Base:
    """What the project of ``lock`` is judged by: the lock and the configuration where HEAD and ``base`` parted.

    Where there was no lock, it is without models: nothing has grown yet. Raises as :func:`at_merge_base` does.
    """
    try:
        past = at_merge_base(lock, base)
    except NoLockError:
        return Base({}, base)
    for name in (config.OWN, config.SHARED):
        answer = _git(lock.parent, "show", f"{past.commit}:{past.folder}{name}")
        try:
            if answer.status == 0 and config.lists_models(answer.out, lock.parent / name):
                _, models, allow = config.read(answer.out, lock.parent / name)
                return Base(past.models, base, models, allow)
        except CostModelError as error:
            return Base(past.models, base, problem=f"Not judged, the budgets of {base}: {error}")
    return Base(past.models, base, problem=f"Not judged, the budgets of {base}: no configuration lies beside its lock.")


def at_commit(lock: Path, commit: str) -> Past:
    """The lock as it was in ``commit``: a hash, a branch, a tag, ``HEAD~3``.

    Raises :class:`~costmodel.errors.CostModelError` as :func:`at_merge_base` does.
    """
    _repository(lock.parent)
    return _lock(lock, _commit(lock.parent, commit), commit)


def is_commit(folder: Path, text: str) -> bool:
    """Whether git in ``folder`` knows a commit that ``text`` names; False where there is no repository."""
    try:
        return _resolved(folder, text).status == 0
    except CostModelError:
        return False


class _Answer(NamedTuple):
    status: int
    out: bytes
    error: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace")


def _git(folder: Path, *arguments: str) -> _Answer:
    # What git says is looked at, so it is to say it in English.
    english = {**os.environ, "LC_ALL": "C"}
    command = ["git", *arguments]
    try:
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False, env=english
        )
    except FileNotFoundError:
        raise CostModelError(f"git is not installed or {folder} is gone; install git, {_TWO_FILES}") from None
    except ValueError:  # a zero byte in a name
        raise CostModelError("a name of a commit cannot hold a zero byte; name a branch, a tag or a hash") from None
    return _Answer(ran.returncode, ran.stdout, ran.stderr.decode("utf-8", "replace").strip())


def _repository(folder: Path) -> None:
    answer = _git(folder, "rev-parse", "--is-inside-work-tree")
    if answer.status == 0:
        return
    if "not a git repository" in answer.error:
        raise CostModelError(f"{folder} is not in a git repository; run `git init` and commit the lock, {_TWO_FILES}")
    # Such as a repository of another owner: git names its own fix.
    raise CostModelError(f"git refuses to read {folder}: {answer.error}")


def _resolved(folder: Path, text: str) -> _Answer:
    return _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}")


def _commit(folder: Path, text: str) -> str:
    answer = _resolved(folder, text)
    if answer.status == 0:
        return answer.text.strip()
    if text == "HEAD":
        raise CostModelError("this repository has no commit yet; run `git add costmodel.lock` and `git commit`")
    remotes = _git(folder, "remote").text.split()
    remote, _, branch = text.partition("/")
    if branch and remote in remotes:
        raise CostModelError(f"{text} is not in this clone; run `{_fetch(folder, text)}`")
    tracked = _git(folder, "for-each-ref", "--format=%(refname:short)", f"refs/remotes/*/{text}").text.split()
    if tracked:
        raise CostModelError(f"{text} is no branch here; did you mean {tracked[0]}?")
    if not _shallow(folder):
        raise CostModelError(f"git knows no commit {text!r}; run `git branch --all` to see what there is")
    if remotes and _BRANCH.fullmatch(text) and not _HASH.fullmatch(text):
        theirs = f"{remotes[0]}/{text}"
        fix = f"run `{_fetch(folder, theirs)}` and name {theirs}, if it is a branch there"
    else:
        fix = "run `git fetch --unshallow`"
    raise CostModelError(f"git knows no commit {text!r}; {fix}, as this clone is shallow")


def _fetch(folder: Path, base: str) -> str:
    """The command that brings ``base``, and all that came before it and before HEAD."""
    command = "git fetch --unshallow" if _shallow(folder) else "git fetch"
    remote, _, branch = base.partition("/")
    if branch and remote in _git(folder, "remote").text.split():
        # Spelled out: a clone of one branch would fetch it without naming it origin/BRANCH.
        return f"{command} {remote} {branch}:refs/remotes/{remote}/{branch}"
    return command


def _shallow(folder: Path) -> bool:
    return _git(folder, "rev-parse", "--is-shallow-repository").text.strip() == "true"


def _lock(lock: Path, commit: str, where: str) -> Past:
    place = f"{commit[:12]} ({where})"
    folder = _git(lock.parent, "rev-parse", "--show-prefix").text.strip("\n")
    answer = _git(lock.parent, "show", f"{commit}:{folder}{lock.name}")
    if answer.status:
        folder = _moved_from(lock, commit, place)
        answer = _git(lock.parent, "show", f"{commit}:{folder}{lock.name}")
    try:
        models = present(lockfile.read(answer.out, f"{commit[:12]}:{folder}{lock.name}"))
        return Past(models, place, commit, folder)
    except CostModelError as error:
        raise CostModelError(f"{error}; that is in commit {place}: fix it there, or name another") from None


def _moved_from(lock: Path, commit: str, place: str) -> str:
    """Where the lock was in ``commit``: that of a project whose folder was moved or renamed since."""
    root = Path(_git(lock.parent, "rev-parse", "--show-toplevel").text.strip("\n"))
    listed = _git(root, "ls-tree", "-r", "-z", "--name-only", commit).text.split("\0")
    locks = [name for name in listed if name.rpartition("/")[2] == lock.name and not (root / name).is_file()]
    if len(locks) > 1:
        raise CostModelError(
            f"{lock.name} is not where it is now in commit {place}, and several have gone since: {', '.join(locks)};"
            " move one project in a branch"
        )
    if not locks:
        error = NoLockError(f"{lock.name} is not in commit {place}; there, run `costmodel lock` and commit the file")
        error.place = place
        raise error
    return locks[0].removesuffix(lock.name)
