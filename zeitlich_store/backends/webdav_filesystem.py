"""webdav4's filesystem and its reading of listings; alone in importing webdav4."""

from __future__ import annotations

from typing import Any, Final

from webdav4.fsspec import WebdavFileSystem
from webdav4.multistatus import MultiStatusResponse

from .._secrets import hidden

SECONDS: Final = 30.0
"""How long the server may take to connect and between two pieces of an answer."""


class WebdavServer(WebdavFileSystem):  # type: ignore[misc]  # fsspec ships no type information
    """webdav4's filesystem, with the login given as for other servers.

    Args:
        base_url: Where the server's WebDAV tree begins.
        username: Name for HTTP's basic authentication.
        password: Its password.
        auth: In place of both, what httpx takes.
        client_opts: Options of ``httpx.Client``.
    """

    def __init__(
        self,
        base_url: str,
        *,
        username: str | None = None,
        password: str = "",
        auth: Any = None,
        **client_opts: Any,
    ) -> None:
        base_url, username, password = hidden(base_url), hidden(username), hidden(password)
        auth, client_opts = _login(username, password, auth), hidden(client_opts)
        super().__init__(base_url, auth=auth, **{"timeout": SECONDS, **client_opts})


def _login(username: str | None, password: str, auth: Any) -> Any:
    """What httpx takes; a pair is a list where it was written as JSON."""
    pair = (username, password) if username is not None else auth
    return tuple(hidden(each) for each in pair) if isinstance(pair, list | tuple) else pair


def responses_of(body: bytes) -> dict[str, Any]:
    """What a listing says, by path."""
    return dict(MultiStatusResponse(body.decode()).responses)
