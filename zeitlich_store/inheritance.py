"""What a forked process must not keep of its parent's event loop.

A fork copies the descriptors of the loop's sockets, and of the epoll that watches them, but what is
behind each stays one for both processes. A child that merely drops a connection would take it out
of the parent's epoll, whose answers then never come, and end its TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import selectors


def new_loop() -> tuple[asyncio.AbstractEventLoop, selectors.BaseSelector | None]:
    """An event loop, and the selector that a child has to let go of (Windows: no forks, None)."""
    if os.name == "nt":
        return asyncio.new_event_loop(), None
    selector = selectors.DefaultSelector()
    return asyncio.SelectorEventLoop(selector), selector


def let_go(selector: selectors.BaseSelector) -> None:
    """Put something of the child's own behind each descriptor; the parent keeps what it has.

    They are not closed: the numbers would go to other files, which the parent's objects, dropped
    later, would close.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for key in list((selector.get_map() or {}).values()):
        _replace(key.fd, null)
    os.close(null)
    if hasattr(select, "epoll") and isinstance(selector, selectors.EpollSelector):
        with select.epoll() as empty:
            _replace(selector.fileno(), empty.fileno())


def _replace(descriptor: int, by: int) -> None:
    with contextlib.suppress(OSError):
        os.dup2(by, descriptor, inheritable=False)
