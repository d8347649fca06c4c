"""The command line: one file a command, loaded when the command is called."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from costmodel.cli.arguments import Group
from costmodel.errors import CostModelError
from costmodel.version import __version__

#: The commands, in the order of the help; each is ``command`` in the file of that name.
COMMANDS = (
    "count", "layer", "memory", "training", "generate", "sweep", "solve", "space", "explore", "compare", "formula",
    "receptive-field", "roofline", "conventions", "explain", "audit", "models", "verify", "report", "init", "lock",
    "check", "diff", "doctor",
)  # fmt: skip


class _Commands(Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"costmodel.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from costmodel.models.registry import FAMILIES

        if args[0].partition(":")[0] in FAMILIES:
            raise click.UsageError(f"{args[0]!r} is a model, not a command; write: costmodel count {args[0]}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="costmodel %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Exactly what a neural network costs: multiply-adds, parameters and output sizes, without a framework.

    \b
    costmodel count mobilenet_v1 --alpha 0.75 --resolution 192
    costmodel layer separable --input 128x56x56 --out 256 --kernel 3
    costmodel models
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Bad input ends in one line on the standard error and exit status 2."""
    _open_streams()
    _written()  # what an earlier run in this process wrote is no news
    try:
        sys.exit(cli.main(arguments, prog_name="costmodel", standalone_mode=False))
    except CostModelError as error:
        _refuse(str(error))
    except click.ClickException as error:
        _refuse(error.format_message())
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:
        _discard(1)  # the reader has gone: `costmodel count ... | head -1`
        if written := _written():
            _refuse(f"nobody reads the answer{written}")
        sys.exit(2)
    except OSError as error:
        _discard(1)
        _refuse(_failed(error))


def _open_streams() -> None:
    """Every stream is open before anything is done: a file opened later would take the number of a closed one."""
    closed = [stream for stream in (0, 1, 2) if not _is_open(stream)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is the next of these
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115  # as long as the process
    if sys.stdout is None:
        _refuse("the standard output is closed, so the answer has no place; send it to a file, or to /dev/null")


def _is_open(stream: int) -> bool:
    try:
        os.fstat(stream)
    except OSError:
        return False
    return True


def _failed(error: OSError) -> str:
    try:
        os.getcwd()
    except FileNotFoundError:
        return "the current directory is gone; change to one that is there"
    return f"cannot write the answer: {error.strerror or error}{_written()}"


def _written() -> str:
    """What to say of the files that were written before the answer could not be; said once."""
    files = sys.modules.get("costmodel.files")  # a quick command does without it
    names = [files.WRITTEN.pop(0) for _ in range(len(files.WRITTEN))] if files else []
    return f"; written all the same: {', '.join(names)}" if names else ""


def _discard(stream: int) -> None:
    # What could not be written is still in the buffer, and Python would complain once more at its exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


def _refuse(message: str) -> None:
    from costmodel.report.guard.safe import plain

    try:
        # What a user typed, or their code raised, may hold control characters, bytes that are no text, and a CI's
        # commands.
        print(f"costmodel: error: {plain(' '.join(message.split()))}", file=sys.stderr, flush=True)
    except OSError:
        _discard(2)
    sys.exit(2)
