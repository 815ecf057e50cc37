"""How a command tells what went wrong: one red word, the sentence of the error, its exit code."""

import typer
from rich.console import Console
from rich.markup import escape

from sewcell.errors import SewcellError


def refuse(console: Console, error: SewcellError) -> typer.Exit:
    """Print the error; the exit to raise."""
    console.print(f"[bold red]failed[/bold red]: {escape(str(error))}", soft_wrap=True)
    return typer.Exit(error.exit_code)
