"""A connection to an SSH server whose key is checked; alone in importing paramiko."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import paramiko

from .._secrets import hidden
from ..errors import ConfigurationError

SECONDS: Final = 30.0
"""How long the server may take to connect, to greet, to let us in, and for each answer."""
_POLICIES: Final = {"reject": paramiko.RejectPolicy, "auto_add": paramiko.AutoAddPolicy}


def check_options(host_key_policy: str, known_hosts: str | None) -> None:
    """`ConfigurationError` where they cannot be what was meant."""
    if host_key_policy not in _POLICIES:
        raise ConfigurationError(f"host_key_policy is one of {', '.join(_POLICIES)}")
    if known_hosts is not None and not Path(known_hosts).is_file():
        raise ConfigurationError(f"known_hosts names a file; there is no {known_hosts!r}")


def connected(
    host: str, host_key_policy: str, known_hosts: str | None, ssh_kwargs: dict[str, Any]
) -> tuple[Any, Any]:
    """An SSH client and its SFTP channel; what was opened is closed where that fails.

    `known_hosts` is a file of OpenSSH's, None: ``~/.ssh/known_hosts``. `ssh_kwargs` go to
    paramiko's ``SSHClient.connect``.
    """
    limits = dict.fromkeys(("timeout", "banner_timeout", "auth_timeout"), SECONDS)
    ssh_kwargs = hidden(limits | ssh_kwargs)
    client = paramiko.SSHClient()
    client.load_system_host_keys(known_hosts)
    client.set_missing_host_key_policy(_POLICIES[host_key_policy]())
    try:
        client.connect(host, **ssh_kwargs)
        ftp = client.open_sftp()
        ftp.get_channel().settimeout(SECONDS)
    except BaseException as exc:
        client.close()
        if advice := _advice(host, exc):
            raise ConfigurationError(advice) from exc
        raise
    return client, ftp


def _advice(host: str, exc: BaseException) -> str:
    """What to do about a server's key that is not the one known; "": it is about something else."""
    if isinstance(exc, paramiko.BadHostKeyException):
        return f"the key of {host} is not the one in known_hosts: another server may have answered"
    if "not found in known_hosts" in str(exc):  # paramiko tells by the text alone
        return (
            f"the key of {host} is not in known_hosts: log in once with ssh, or give known_hosts "
            'or host_key_policy="auto_add" in storage_options'
        )
    return ""
