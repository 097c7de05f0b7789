"""moto's S3 server, as ``python -m moto.server``, with one Server header in a reply.

moto sends two, which aiohttp refuses in Python's development mode.
"""

from moto import server
from moto.moto_server.werkzeug_app import MotoRequestHandler


def send_header(self: MotoRequestHandler, keyword: str, value: str) -> None:
    """Leave out a header that was sent already."""
    own = keyword.lower() == "server"
    if not (own and any(line.lower().startswith(b"server:") for line in self._headers_buffer)):
        super(MotoRequestHandler, self).send_header(keyword, value)


if __name__ == "__main__":
    MotoRequestHandler.send_header = send_header
    server.main()
