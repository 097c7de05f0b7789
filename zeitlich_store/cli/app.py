"""The commands put together, the global options, and what an error looks like."""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from .._version import __version__
from ..errors import ConfigurationError, ZeitlichStoreError
from . import catalog, conformance, demo, keys, moving, reading, removing, upkeep, writing
from .output import say, warn, words_of
from .settings import Settings

_VALUES: Final = ("--hot", "--cold", "--codec", "--key")
_SECRET_NAME: Final = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CONNECTION_STRING|SIGNATURE")
_USERINFO: Final = re.compile(r"(://)[^/\s'\"]*@")
_QUERY: Final = re.compile(r"(://[^\s'\"?]*)\?[^\s'\"]+")
_FLAGS: Final = ("--json", "-v", "--verbose")

app = typer.Typer(
    name="zeitlich-store",
    help="Conversation threads in two tiers: hot in Redis, cold in any object store.",
    epilog="The options above may also stand behind the command.",
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (demo, writing, reading, moving, removing, upkeep, keys, catalog, conformance):
    module.register(app)


def _version(given: bool) -> None:  # as typer calls it
    if given:
        say(f"zeitlich-store {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    hot: Annotated[
        str | None, typer.Option(help="URL of the hot tier, else ZEITLICH_HOT_URL.")
    ] = None,
    cold: Annotated[
        str | None, typer.Option(help="URL of the cold tier, else ZEITLICH_COLD_URL.")
    ] = None,
    codec: Annotated[
        str | None, typer.Option(help="Codec of new archives: json, gzip, zstd.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Thread key, messages by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log, and show tracebacks.")
    ] = False,
    version: Annotated[  # noqa: ARG001  # its callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Conversation threads in two tiers: hot in Redis, cold in any object store."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("zeitlich_store").setLevel(logging.INFO if verbose else logging.WARNING)
    if key == "":
        raise ValueError("--key is empty; leave it out for the thread key 'messages'")
    ctx.obj = Settings(hot, cold, codec, key, as_json)


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors become one line on stderr and an exit code."""
    args = hoist(sys.argv[1:] if argv is None else argv)
    try:
        code = app(args or ["--help"], prog_name="zeitlich-store", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more may be written, at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as exc:  # typer's own answer to a reader that has gone
        return exc.code if isinstance(exc.code, int) else 1
    except KeyboardInterrupt:
        return 130
    except typer.Abort:
        return 1
    except Exception as exc:  # noqa: BLE001  # every error ends as one line
        return report(exc, verbose=bool({"-v", "--verbose"} & set(args)))
    return code if isinstance(code, int) else 0


def report(exc: Exception, *, verbose: bool) -> int:
    """Print an error and return its exit code: 2 for bad input, 1 for a failure."""
    if verbose:
        sys.stderr.write(without_secrets("".join(traceback.format_exception(exc))))
    notes = "; ".join(getattr(exc, "__notes__", ()))
    warn(f"error: {message_of(exc)}" + (f" ({notes})" if notes else ""))
    return exit_code(exc)


def without_secrets(text: str) -> str:
    """A traceback's text, in which other libraries' errors may repeat what they were given.

    >>> without_secrets("cannot connect to http://user:secret@host/x?sig=secret")
    'cannot connect to http://***@host/x?***'
    """
    given = {value for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    for secret in sorted(given, key=len, reverse=True):
        text = text.replace(secret, "***") if len(secret) >= 6 else text
    return _QUERY.sub(r"\1?***", _USERINFO.sub(r"\1***@", text))


def message_of(exc: Exception) -> str:
    """What an error says; the kind is added where the text alone would not be understood."""
    if hasattr(exc, "format_message"):
        return str(exc.format_message())
    known = isinstance(exc, ZeitlichStoreError | ValueError | TypeError)
    return words_of(exc) if known and str(exc) else f"{type(exc).__name__}: {exc}"


def exit_code(exc: Exception) -> int:
    """2 for bad input, 1 for a failure."""
    usage = hasattr(exc, "format_message")
    if usage or isinstance(exc, ConfigurationError):
        return 2
    if isinstance(exc, ZeitlichStoreError):
        return 1
    return 2 if isinstance(exc, ValueError | TypeError) else 1


def hoist(argv: Sequence[str]) -> list[str]:
    """The arguments with the global options in front, wherever they stood before a ``--``.

    >>> hoist(["ls", "--json", "--key", "k", "--", "-v"])
    ['--json', '--key', 'k', 'ls', '--', '-v']
    """
    front: list[str] = []
    rest: list[str] = []
    args = iter(argv)
    for arg in args:
        if arg == "--":
            rest += [arg, *args]
        elif arg in _VALUES:
            front += [arg, *(value for value in [next(args, None)] if value is not None)]
        elif arg in _FLAGS or arg.partition("=")[0] in _VALUES:
            front.append(arg)
        else:
            rest.append(arg)
    return front + rest
