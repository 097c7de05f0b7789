"""An SFTP server as a process: ``python -m tests.sftp_server PORT FOLDER PASSWORD``.

The user ``agent`` may do everything, the user ``blind`` may list and not read or write. The key of
the server stands in ``FOLDER/../known_hosts``.
"""

import asyncio
import sys
from pathlib import Path

import asyncssh

from tests.services import HOST


class Server(asyncssh.SSHServer):
    password = ""

    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return username in {"agent", "blind"} and password == self.password


class Files(asyncssh.SFTPServer):
    def __init__(self, chan, folder):
        super().__init__(chan, chroot=folder.encode())
        self.blind = chan.get_extra_info("username") == "blind"

    def open(self, path, pflags, attrs):
        self._refuse()
        return super().open(path, pflags, attrs)

    def remove(self, path):
        self._refuse()
        return super().remove(path)

    def mkdir(self, path, attrs):
        self._refuse()
        return super().mkdir(path, attrs)

    def _refuse(self):
        if self.blind:
            raise asyncssh.SFTPPermissionDenied("not for you")


async def main(port, folder, password):
    key = asyncssh.generate_private_key("ssh-ed25519")
    known = Path(folder).with_name("known_hosts")
    known.write_text(f"[{HOST}]:{port} {key.export_public_key().decode()}")
    Server.password = password
    await asyncssh.listen(
        HOST,
        int(port),
        server_factory=Server,
        server_host_keys=[key],
        sftp_factory=lambda chan: Files(chan, folder),
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
