"""An FTP server as a process: ``python -m tests.ftp_server PORT FOLDER PASSWORD``.

The user ``agent`` may do everything, the user ``blind`` may list and not read.
"""

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

from tests.services import HOST


def main(port, folder, password):
    users = DummyAuthorizer()
    users.add_user("agent", password, folder, perm="elradfmwMT")
    users.add_user("blind", password, folder, perm="el")
    # A wrong password is answered at once: the three seconds guard a server that can be guessed at.
    handler = type("Handler", (FTPHandler,), {"authorizer": users, "auth_failed_timeout": 0.1})
    FTPServer((HOST, int(port)), handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
