"""A WebDAV server as a process: ``python -m tests.webdav_server PORT FOLDER PASSWORD``.

Below ``/dav`` the user ``agent`` may do everything, the user ``blind`` may do all but read objects
and write. Nothing of wsgidav's own is changed: it writes in place and deletes before it moves.
"""

import base64
import sys

from cheroot.wsgi import Server
from wsgidav.wsgidav_app import WsgiDAVApp

from tests.services import HOST


def restricted(app):
    """The application, refusing the user ``blind`` what has to do with contents."""

    def answer(environ, start_response):
        _, _, login = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        user = base64.b64decode(login).partition(b":")[0]
        if user == b"blind" and environ["REQUEST_METHOD"] != "PROPFIND":
            start_response("403 Forbidden", [("Content-Length", "0")])
            return [b""]
        return app(environ, start_response)

    return answer


def main(port, folder, password):
    users = {name: {"password": password} for name in ("agent", "blind")}
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/dav": folder},
            "http_authenticator": {"accept_digest": False, "default_to_digest": False},
            "simple_dc": {"user_mapping": {"*": users}},
            "verbose": 0,
        }
    )
    Server((HOST, int(port)), restricted(app), numthreads=16).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
