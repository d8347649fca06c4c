"""The lock of the past, read with git; and what is said, with the command that fixes it, where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel import CostModelError
from costmodel.guard.cost import cost_of
from costmodel.guard.history import NoLockError, at_commit, at_merge_base, default_base, is_commit
from costmodel.guard.lockfile import write
from tests.guard.nets import student
from tests.guard.projects import GIT_ENVIRONMENT, commit, git


@pytest.fixture(autouse=True)
def _git_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {**GIT_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}.items():
        monkeypatch.setenv(name, value)


def refusal(lock: Path, base: str = "origin/main") -> str:
    with pytest.raises(CostModelError) as error:
        at_merge_base(lock, base)
    return str(error.value)


def lock(folder: Path, hidden: int) -> None:
    (folder / "costmodel.lock").write_text(write([cost_of(student(hidden=hidden), "student")]))


def repository(folder: Path) -> Path:
    """main has two locks, a branch that began at the first of them has a third: the lock of the branch."""
    git(folder, "init", "--quiet")
    lock(folder, 48)
    commit(folder)
    git(folder, "branch", "wider")
    lock(folder, 56)
    commit(folder)
    git(folder, "checkout", "--quiet", "wider")
    lock(folder, 64)
    commit(folder)
    return folder / "costmodel.lock"


def hidden(models: dict) -> int:  # type: ignore[type-arg]
    (width,) = {layer.makes for layer in models["student"].layers if layer.name == "body.1.expand"}
    return int(width.split("x")[0])


def test_the_lock_of_the_merge_base_and_of_any_commit(tmp_path: Path) -> None:
    place = repository(tmp_path)
    past = at_merge_base(place, "main")
    assert hidden(past.models) == 48  # not 56, which main got later
    first = git(tmp_path, "rev-parse", "HEAD~1").strip()
    assert past.place == f"{first[:12]} (where HEAD and main parted)"
    assert [hidden(at_commit(place, name).models) for name in ("main", "HEAD", "HEAD~1", first[:10])] == [
        56,
        64,
        48,
        48,
    ]
    assert is_commit(tmp_path, "main")
    assert not is_commit(tmp_path, "nope")


def test_a_project_below_the_root_of_the_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "sub").mkdir()
    lock(tmp_path / "sub", 48)
    commit(tmp_path)
    assert hidden(at_merge_base(tmp_path / "sub" / "costmodel.lock", "main").models) == 48


def test_no_repository(tmp_path: Path) -> None:
    message = refusal(tmp_path / "costmodel.lock")
    assert message == (
        f"{tmp_path} is not in a git repository; run `git init` and commit the lock, or compare two lock files:"
        " costmodel diff OLD.lock NEW.lock"
    )
    assert not is_commit(tmp_path, "HEAD")


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(tmp_path / "costmodel.lock").startswith("git is not installed")


def test_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert refusal(tmp_path / "costmodel.lock") == (
        "this repository has no commit yet; run `git add costmodel.lock` and `git commit`"
    )


def test_no_base(tmp_path: Path) -> None:
    place = repository(tmp_path)
    assert refusal(place, "mian") == "git knows no commit 'mian'; run `git branch --all` to see what there is"
    assert refusal(place, "--all").startswith("git knows no commit '--all'")
    assert refusal(place, "a\0b").startswith("a name of a commit cannot hold a zero byte")
    git(tmp_path, "remote", "add", "origin", "file:///nowhere")
    assert refusal(place) == ("origin/main is not in this clone; run `git fetch origin main:refs/remotes/origin/main`")


def test_the_base_of_a_clone_is_the_branch_that_its_origin_is_on(tmp_path: Path) -> None:
    upstream = tmp_path / "upstream"
    upstream.mkdir()
    repository(upstream)
    assert default_base(upstream) == "origin/main"
    git(upstream, "branch", "--quiet", "-m", "main", "trunk")
    git(upstream, "checkout", "--quiet", "trunk")
    git(tmp_path, "clone", "--quiet", upstream.as_uri(), "clone")
    assert default_base(tmp_path / "clone") == "origin/trunk"
    past = at_merge_base(tmp_path / "clone" / "costmodel.lock", default_base(tmp_path / "clone"))
    assert hidden(past.models) == 56


def test_the_mend_for_a_clone_of_one_branch_works(tmp_path: Path) -> None:
    upstream, clone = tmp_path / "upstream", tmp_path / "clone"
    upstream.mkdir()
    repository(upstream)
    git(tmp_path, "clone", "--quiet", "--single-branch", "--branch", "wider", upstream.as_uri(), "clone")
    message = refusal(clone / "costmodel.lock")
    command = message.partition("run `")[2].removesuffix("`")
    git(clone, *command.split()[1:])
    assert hidden(at_merge_base(clone / "costmodel.lock", "origin/main").models) == 48


def test_a_shallow_clone_and_its_mend(tmp_path: Path) -> None:
    upstream, clone = tmp_path / "upstream", tmp_path / "clone"
    upstream.mkdir()
    repository(upstream)
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--no-single-branch", upstream.as_uri(), "clone")
    place = clone / "costmodel.lock"
    assert refusal(place) == (
        "this clone is shallow and does not reach back to where HEAD and origin/main parted;"
        " run `git fetch --unshallow origin main:refs/remotes/origin/main` (in a GitHub workflow: actions/checkout with"
        " fetch-depth: 0)"
    )
    assert (
        refusal(place, "HEAD~1")
        == "git knows no commit 'HEAD~1'; run `git fetch --unshallow`, as this clone is shallow"
    )
    obey(clone, refusal(place))
    assert hidden(at_merge_base(place, "origin/main").models) == 48


def obey(folder: Path, message: str) -> None:
    """Runs the command that ``message`` names."""
    git(folder, *message.partition("run `git ")[2].partition("`")[0].split())


@pytest.mark.parametrize("base", ["origin/main", "main"])
@pytest.mark.parametrize("detached", [False, True])
def test_the_mend_for_a_clone_of_one_commit_works(tmp_path: Path, base: str, detached: bool) -> None:
    upstream, clone = tmp_path / "upstream", tmp_path / "clone"
    upstream.mkdir()
    repository(upstream)
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "wider", upstream.as_uri(), "clone")
    if detached:  # as a workflow checks out a pull request
        git(clone, "checkout", "--quiet", "--detach")
    message = refusal(clone / "costmodel.lock", base)
    assert "run `git fetch --unshallow origin main:refs/remotes/origin/main`" in message
    obey(clone, message)
    assert hidden(at_merge_base(clone / "costmodel.lock", "origin/main").models) == 48
    if base == "main":
        assert refusal(clone / "costmodel.lock", "main") == "main is no branch here; did you mean origin/main?"


def test_histories_without_a_common_commit(tmp_path: Path) -> None:
    place = repository(tmp_path)
    git(tmp_path, "checkout", "--quiet", "--orphan", "other")
    commit(tmp_path)
    assert refusal(place, "main") == "HEAD and main have no commit in common; name another with --base BRANCH"


def test_a_commit_without_a_lock(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "README").write_text("nothing yet\n")
    first = commit(tmp_path)
    with pytest.raises(NoLockError) as error:
        at_merge_base(tmp_path / "costmodel.lock", "main")
    assert str(error.value) == (
        f"costmodel.lock is not in commit {first[:12]} (where HEAD and main parted); there, run `costmodel lock` and"
        " commit the file"
    )


def test_a_damaged_lock_of_the_past(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    lock(tmp_path, 48)
    place = tmp_path / "costmodel.lock"
    place.write_text(place.read_text().replace("48x16x16", "47x16x16", 1))
    first = commit(tmp_path)[:12]
    message = refusal(place, "main")
    assert message.startswith(f"{first}:costmodel.lock:10: this line, or one just before it, was edited")
    assert message.endswith(f"; that is in commit {first} (where HEAD and main parted): fix it there, or name another")
