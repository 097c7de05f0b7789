"""Ceph's radosgw, a real S3 server, with one monitor and one OSD in memory (`make test-rgw`)."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .services import CREDENTIALS, HOST, S3Server, free_port, running, unavailable

PROGRAMS = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw")
CONF = """[global]
fsid = {fsid}
mon_host = v1:{host}:{monitor}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
osd_class_update_on_start = false
osd_objectstore = memstore
memstore_device_bytes = 8589934592
run_dir = {folder}
admin_socket = {folder}/$name.asok
log_file = {folder}/$name.log
public_addr = {host}
cluster_addr = {host}
ms_bind_msgr2 = false
mon_data = {folder}/mon
osd_data = {folder}/osd
rgw_data = {folder}/rgw
keyring = {folder}/keyring
rgw_frontends = beast endpoint={host}:{gateway} tcp_nodelay=1
"""


class _Cluster:
    """Where a cluster's files lie, and how its programs are called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.monitor, self.gateway = folder, free_port(), free_port()
        self.fsid, self.osd = str(uuid.uuid4()), str(uuid.uuid4())
        for name in ("mon", "osd", "rgw"):
            (folder / name).mkdir()
        values = {"fsid": self.fsid, "host": HOST, "folder": folder}
        ports = {"monitor": self.monitor, "gateway": self.gateway}
        self.conf = folder / "ceph.conf"
        self.conf.write_text(CONF.format(**values, **ports))

    def run(self, program: str, *args: str) -> None:
        command = [program, *args]
        if not program.startswith("ceph-auth") and program != "monmaptool":
            command += ["-c", str(self.conf)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def prepare(self) -> None:
        """Keys and the monitor's map."""
        keyring, monmap = str(self.folder / "keyring"), str(self.folder / "monmap")
        every = ["--cap", "mon", "allow *", "--cap", "osd", "allow *"]
        self.run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", *every)
        self.run("ceph-authtool", keyring, "--gen-key", "-n", "client.admin", *every)
        where = f"[v1:{HOST}:{self.monitor}]"
        self.run("monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", where, monmap)
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)

    def start(self, stack: ExitStack) -> None:
        """The three servers, one after the other."""
        conf = ["-f", "-c", str(self.conf)]
        stack.enter_context(running(["ceph-mon", "-i", "a", *conf], self.monitor, "ceph-mon"))
        self.run("ceph", "osd", "new", self.osd)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", self.osd)
        stack.enter_context(running(["ceph-osd", "-i", "0", *conf], self.monitor, "ceph-osd"))
        access, secret = CREDENTIALS["key"], CREDENTIALS["secret"]
        names = ["--uid=test", "--display-name=test"]
        keys = [f"--access-key={access}", f"--secret-key={secret}"]
        self.run("radosgw-admin", "user", "create", *names, *keys)
        gateway = ["radosgw", "-n", "client.rgw", *conf]
        stack.enter_context(running(gateway, self.gateway, "radosgw"))


@contextmanager
def rgw_server() -> Iterator[S3Server]:
    """A cluster for the length of the block."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        unavailable(f"there is no {', '.join(missing)}: apt-get install radosgw ceph-mon ceph-osd")
    # Unix sockets have short names: not below pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="zs-rgw-") as folder, ExitStack() as stack:
        cluster = _Cluster(Path(folder))
        cluster.prepare()
        cluster.start(stack)
        yield S3Server(cluster.gateway)
