"""``costmodel init``: put a project under the check in one step."""

from __future__ import annotations

from pathlib import Path

import click

from costmodel.cli.guard import harmless_output, shown
from costmodel.errors import CostModelError
from costmodel.files import read_regular, write_whole
from costmodel.guard import config, lockfile
from costmodel.guard.check import Verdict, Watch, check, renewed
from costmodel.guard.project import Candidate, candidates, configuration, pre_commit, workflow
from costmodel.report.guard.safe import plain

_HOOKS = ".pre-commit-config.yaml"
_WORKFLOW = ".github/workflows/costmodel.yml"


@click.command("init")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def command(dry_run: bool) -> None:
    """Find the models of a project, and write what `costmodel check` needs.

    Looks at the files below the current directory for torch.nn.Modules that need no argument, functions that say they
    return a costmodel Network, and .onnx, .tflite and .keras files; counts each, as `costmodel check` would, which runs
    the code that builds it. Writes costmodel.toml, costmodel.lock, a GitHub workflow and an entry for pre-commit, and
    replaces nothing that is there.

    \b
    costmodel init --dry-run
    costmodel init
    """
    folder = Path.cwd()
    _refuse_configured(folder)
    possible = candidates(folder)
    if not possible:
        raise CostModelError(
            "no torch.nn.Module that needs no argument, no function that returns a costmodel Network and no .onnx,"
            f' .tflite or .keras file is in {folder.name}; write [models.NAME] and build = "MODULE:NAME" into'
            f" {config.OWN}"
        )
    with harmless_output() as watch:
        tried = [_first_that_counts(folder, one, watch) for one in possible]
    models = [one for one, verdict in tried if not verdict.error]
    left_out = [f"left out: {one.build}: {verdict.error}" for one, verdict in tried if verdict.error]
    if not models:
        raise CostModelError(f"nothing that was found can be counted; {'; '.join(left_out)}")
    lock = lockfile.write(renewed([verdict for _, verdict in tried if not verdict.error])).encode()
    files = {config.OWN: configuration(models).encode(), lockfile.NAME: lock}
    others, notes = _for_others(folder, models)
    files |= others
    for name, content in files.items():
        if not dry_run:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(folder / name, content)
    _say(files, tried, [*left_out, *notes], dry_run)


def _refuse_configured(folder: Path) -> None:
    for place in (above / name for above in (folder, *folder.parents) for name in (config.OWN, config.SHARED)):
        if place.is_file() and config.lists_models(read_regular(place, config.LARGEST), place):
            raise CostModelError(f"{shown(place)} lists the models of this project; run `costmodel lock`")
    if (folder / lockfile.NAME).exists():
        raise CostModelError(f"{lockfile.NAME} is here, and no configuration; restore it, or remove the lock")


def _first_that_counts(folder: Path, candidate: Candidate, watch: Watch) -> tuple[Candidate, Verdict]:
    """The candidate with the first input that it can be counted for, or with the reason of the first why not."""
    verdicts = []
    for text in candidate.inputs:
        one = candidate._replace(inputs=(text,))
        project = config.read(configuration([one]).encode(), folder / config.OWN)
        (verdict,) = check(project, {}, None, watch)
        verdicts.append(verdict)
        if not verdict.error:
            return one, verdict
    return candidate, verdicts[0]


def _for_others(folder: Path, models: list[Candidate]) -> tuple[dict[str, bytes], list[str]]:
    """What GitHub and pre-commit read, and what is left to a person."""
    files: dict[str, bytes] = {}
    notes = []
    if not (folder / ".git").exists():
        notes.append(f"no {_WORKFLOW} and no {_HOOKS}: this is not the root of a git repository")
        return files, notes
    if (folder / _WORKFLOW).exists():
        notes.append(f"{_WORKFLOW} is there, and left as it was")
    else:
        files[_WORKFLOW] = workflow(folder, models).encode()
    before = read_regular(folder / _HOOKS, config.LARGEST).decode() if (folder / _HOOKS).exists() else ""
    after = pre_commit(before)
    if after is None:
        notes.append(f"{_HOOKS} is left as it was: add the hook costmodel-check to it by hand")
    else:
        files[_HOOKS] = after.encode()
    return files, notes


def _say(
    files: dict[str, bytes],
    tried: list[tuple[Candidate, Verdict]],
    notes: list[str],
    dry_run: bool,
) -> None:
    for one, verdict in tried:
        cost = verdict.difference.new if verdict.difference else None
        if cost is not None:
            assumed = f", input {one.inputs[0]} (assumed: correct it in {config.OWN})" if one.inputs[0] else ""
            print(plain(f"{one.name}: {one.build}{assumed}: {cost.multiply_adds:,} multiply-adds"))
    for name in files:
        print(f"{'would be written' if dry_run else 'written'}: {name}")
    for note in notes:
        print(plain(note))
    if dry_run:
        print(files[config.OWN].decode(), end="")
    else:
        print("Commit these files. `costmodel check` fails when a model costs something else.")
