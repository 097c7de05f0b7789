"""``doctor``, ``codecs`` and ``backends``: what there is and whether it works."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from importlib.util import find_spec

import typer

from .. import registry
from ..factory import HOT_ONLY
from . import probes
from .output import print_rows
from .settings import Settings

_EXTRA_MODULES = {
    "s3": "s3fs",
    "gcs": "gcsfs",
    "azure": "adlfs",
    "sftp": "paramiko",
    "webdav": "webdav4",
}
_NO_COLD_TIER = {
    "tier": "cold",
    "scheme": HOT_ONLY,
    "about": "no cold tier: hot only, written without ://",
    "install": "",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (doctor, codecs, backends):
        app.command()(command)


def doctor(ctx: typer.Context) -> None:
    """Connect to both tiers, write, read and delete a probe, and tell what each can do."""
    settings: Settings = ctx.obj
    checks = asyncio.run(probes.examine(settings.open()))
    rows = [asdict(check) for check in checks]
    healthy = not any(check.failed for check in checks)
    print_rows(rows, as_json=settings.as_json, wrapper={"ok": healthy})
    if not healthy:
        raise typer.Exit(1)


def codecs(ctx: typer.Context) -> None:
    """List the codecs a cold URL may name."""
    settings: Settings = ctx.obj
    rows = []
    for entry in registry.codecs():
        codec = registry.make_codec(entry.name)
        row = {"codec": entry.name, "suffix": f".json{codec.suffix}"}
        rows.append({**row, "content_type": codec.content_type, "about": entry.description})
    print_rows(rows, as_json=settings.as_json)


def backends(ctx: typer.Context) -> None:
    """List the URL schemes of both tiers."""
    settings: Settings = ctx.obj
    rows = [
        {
            "tier": kind,
            "scheme": f"{entry.name}://",
            "about": entry.description,
            "install": _install_hint(entry),
        }
        for kind in ("hot", "cold")
        for entry in registry.backends(kind)
    ]
    print_rows([*rows, _NO_COLD_TIER], as_json=settings.as_json)


def _install_hint(entry: registry.Registration) -> str:
    """The pip command for a backend whose library is not installed."""
    module = _EXTRA_MODULES.get(entry.extra or "")
    missing = module is not None and find_spec(module) is None
    return f'pip install "zeitlich-store[{entry.extra}]"' if missing else ""
