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
    "count", "layer", "memory", "training", "generate", "sweep", "solve", "space", "compare", "formula",
    "receptive-field", "roofline", "conventions", "explain", "audit", "models", "verify", "lock", "check", "diff",
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


@click.group(cls=_Commands, invoke_without_command=True)
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
    try:
        sys.exit(cli.main(arguments, prog_name="costmodel", standalone_mode=False))
    except CostModelError as error:
        _refuse(str(error))
    except click.ClickException as error:
        _refuse(error.format_message())
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:
        _close_output()  # the reader has gone: `costmodel count ... | head -1`
        sys.exit(1)
    except OSError as error:
        _close_output()
        _refuse(f"cannot write the answer: {error.strerror or error}")


def _close_output() -> None:
    # What could not be written is still in the buffer, and Python would complain once more at its exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _refuse(message: str) -> None:
    from costmodel.report.guard.safe import plain

    # What a user typed, or their code raised, may hold control characters, bytes that are no text, and a CI's commands.
    print(f"costmodel: error: {plain(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(2)
