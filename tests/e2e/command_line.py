"""What the command line takes, without running it: for the commands that pages show."""

import click
import typer

from assets.command.cli import app


def accept(words: list[str]) -> None:
    """Parse words as `tokenmart` does, and run nothing.

    Raises:
        click.UsageError: there is no such command, argument or option.
    """
    command: click.Command = typer.main.get_command(app)
    context = None
    while isinstance(command, click.Group):
        context = command.make_context("tokenmart", list(words), parent=context)
        _, found, words = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert found is not None
        command = found
    command.make_context(command.name, list(words), parent=context)
