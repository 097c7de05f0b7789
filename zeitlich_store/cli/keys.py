"""``keygen``: a new encryption key, on stdout and nowhere else."""

from __future__ import annotations

from typing import Annotated

import typer

from ..encryption import ENVIRONMENT, Keyring
from ..encryption.keyring import new_key_text
from .output import print_fields, say, warn
from .settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(keygen)


def keygen(
    ctx: typer.Context,
    number: Annotated[
        int | None, typer.Option(help="The key's number; else the next after those configured.")
    ] = None,
) -> None:
    """Print a new random encryption key, as ZEITLICH_ENCRYPTION_KEYS takes it."""
    settings: Settings = ctx.obj
    known = Keyring.from_environment()
    numbers = known.numbers if known else ()
    number = max(numbers, default=0) + 1 if number is None else number
    if number in numbers:
        raise ValueError(f"there is a key {number} in {ENVIRONMENT} already: take another number")
    text = new_key_text(number)
    if settings.as_json:
        print_fields({"number": number, "entry": text}, as_json=True)
    else:
        say(text)
        warn(_advice(known is not None))


def _advice(others: bool) -> str:
    where = f"set {ENVIRONMENT} to it"
    if others:
        where = (
            f"put it behind the others in {ENVIRONMENT} of every worker, separated by a comma, and "
            "when all have it in front: the first one writes"
        )
    return f"{where}. Keep it safe: archives encrypted with it cannot be read without it"
