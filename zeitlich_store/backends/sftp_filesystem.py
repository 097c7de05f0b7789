"""fsspec's SFTP filesystem on a connection that checks the server's key."""

from __future__ import annotations

from typing import Any

from fsspec.implementations.sftp import SFTPFileSystem

from .._secrets import hidden
from .sftp_connect import check_options, connected


class CheckedSftp(SFTPFileSystem):  # type: ignore[misc]  # fsspec ships no type information
    """Connects to a server whose key is known, as ``ssh`` does; fsspec's own takes any key.

    Args:
        host: Name or address.
        host_key_policy: ``"reject"`` refuses a key that is not in `known_hosts`; ``"auto_add"``
            trusts whoever answers.
        known_hosts: A file of OpenSSH's; None: ``~/.ssh/known_hosts``.
        ssh_kwargs: Arguments of paramiko's ``SSHClient.connect``.
    """

    def __init__(
        self,
        host: str,
        *,
        host_key_policy: str = "reject",
        known_hosts: str | None = None,
        **ssh_kwargs: Any,
    ) -> None:
        ssh_kwargs = hidden(ssh_kwargs)
        check_options(host_key_policy, known_hosts)
        self._trust = (host_key_policy, known_hosts)
        super().__init__(host, **ssh_kwargs)

    def _connect(self) -> None:
        self.client, self.ftp = connected(self.host, *self._trust, self.ssh_kwargs)
