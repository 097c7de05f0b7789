"""`open_store`: what it accepts, what it makes of it, and mistakes that show at the call."""

import subprocess
import sys
from pathlib import Path

import fsspec
import pytest
import redis
import redis.asyncio

from zeitlich_store import factory
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends import bucket_cold, fsspec_cold
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.backends.simple_cold import SimpleColdTier
from zeitlich_store.builders import local_path
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.factory import open_store
from zeitlich_store.keys import THREAD_TTL_SECONDS

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    monkeypatch.delenv("ZEITLICH_HOT_URL", raising=False)
    monkeypatch.delenv("ZEITLICH_COLD_URL", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def recorded(monkeypatch):
    """What the cold archive and the fsspec store were made with."""
    calls = []

    class Recorder:
        def __init__(self, *args, **kwargs):
            calls.append((args, kwargs))

        get = put = delete = list = open = aclose = None

    monkeypatch.setattr(fsspec_cold, "FsspecObjectStore", Recorder)
    monkeypatch.setattr(bucket_cold, "BucketObjectStore", Recorder)
    return calls


def archive_arguments(monkeypatch, cold, **kwargs):
    calls = []

    def record(store, codec, **named):
        readable = named.pop("codecs")
        assert not named.pop("encryption").has_keys
        assert [each.name for each in readable] == ["gzip", "json", "zstd"]
        calls.append((store, codec, named))
        return ObjectArchive(store, codec, **named)

    monkeypatch.setattr(factory, "ObjectArchive", record)
    open_store("memory://", cold, **kwargs)
    return calls[0]


async def test_the_defaults_are_memory_and_a_folder_of_the_users(tmp_path):
    store = open_store()
    assert isinstance(store.hot, MemoryHotTier)
    assert repr(store).count("file://") == 1
    async with store, store.session("t") as thread:
        await thread.append({"id": "m"})
    assert list((tmp_path / "data" / "zeitlich-store").rglob("t/head.zt2"))


async def test_the_environment_names_both_tiers(monkeypatch, tmp_path):
    monkeypatch.setenv("ZEITLICH_HOT_URL", "redis://localhost:1/0")
    monkeypatch.setenv("ZEITLICH_COLD_URL", f"file://{tmp_path}/cold")
    store = open_store()
    assert isinstance(store.hot, RedisHotTier)
    assert str(tmp_path) in repr(store)
    monkeypatch.setenv("ZEITLICH_HOT_URL", "")
    assert isinstance(open_store().hot, MemoryHotTier)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/me/.local/share"),
        ("linux", {}, "/home/me/.local/share"),
        ("darwin", {}, "/home/me/Library/Application Support"),
        ("win32", {"LOCALAPPDATA": "/Local"}, "/Local"),
        ("win32", {}, "/home/me/AppData/Local"),
    ],
)
def test_the_data_directory_of_each_platform(monkeypatch, platform, variables, expected):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    url = factory.default_cold_url()
    assert local_path(url.removeprefix("file://")).as_posix() == f"{expected}/zeitlich-store"


def test_archive_settings_come_from_the_url(monkeypatch):
    store, codec, named = archive_arguments(
        monkeypatch,
        "memory://x?codec=gzip&level=9&prefix=a/b&max_decoded_bytes=7&content_type=a/b",
    )
    assert isinstance(store, MemoryObjectStore)
    assert codec == GzipCodec(level=9)
    assert named == {"prefix": "a/b", "max_decoded_bytes": 7, "content_type": "a/b"}


def test_archive_settings_come_from_the_call(monkeypatch):
    _, codec, named = archive_arguments(
        monkeypatch, "memory://x?level=9", codec="gzip", max_decoded_bytes=5
    )
    assert codec == GzipCodec(level=9)
    assert named == {"max_decoded_bytes": 5}


def test_zstd_level_6_is_the_default(monkeypatch):
    _, codec, named = archive_arguments(monkeypatch, "memory://x")
    assert (codec.name, codec.level, named) == ("zstd", 6, {})


def test_format_v1_is_gzip_by_default_since_the_original_reads_no_zstd(monkeypatch):
    assert archive_arguments(monkeypatch, "memory://x?format=v1")[1] == GzipCodec()
    assert archive_arguments(monkeypatch, "memory://x?format=v1&level=9")[1] == GzipCodec(level=9)
    assert archive_arguments(monkeypatch, "memory://x?format=v1&codec=zstd")[1].name == "zstd"
    assert archive_arguments(monkeypatch, "memory://x?format=v1", codec="json")[1].name == "json"


def test_a_codec_object_is_used_as_it_is(monkeypatch):
    mine = GzipCodec(level=1)
    assert archive_arguments(monkeypatch, "memory://x", codec=mine)[1] is mine


@pytest.mark.parametrize(
    ("cold", "protocol", "root", "options"),
    [
        ("s3://b/p/q/", "s3", "b/p/q", {}),
        (
            "s3://b?endpoint_url=http://localhost:9000&region=eu-west-1",
            "s3",
            "b",
            {
                "endpoint_url": "http://localhost:9000",
                "client_kwargs": {"region_name": "eu-west-1"},
            },
        ),
        (
            "r2://0a1b/b/p",
            "s3",
            "b/p",
            {
                "endpoint_url": "https://0a1b.r2.cloudflarestorage.com",
                "client_kwargs": {"region_name": "auto"},
            },
        ),
        ("gs://b/p", "gs", "b/p", {}),
        ("gcs://b?endpoint_url=http://h", "gs", "b", {"endpoint_url": "http://h"}),
        ("az://container/p", "abfs", "container/p", {}),
        ("abfs://container", "abfs", "container", {}),
    ],
)
def test_cold_urls_become_fsspec_stores(recorded, cold, protocol, root, options):
    open_store("memory://", cold)
    assert recorded == [((protocol, root), {"storage_options": options})]


def test_storage_options_are_joined_and_win(recorded):
    options = {"key": "k", "client_kwargs": {"region_name": "mine", "verify": False}}
    open_store("memory://", "s3://b?region=url", storage_options=options)
    assert recorded[0][1]["storage_options"] == options


def test_any_fsspec_protocol_takes_host_and_port_from_its_url(recorded):
    open_store("memory://", "ftp://host:2121/threads", storage_options={"username": "me"})
    (protocol, root), named = recorded[0]
    assert (protocol, root) == ("ftp", "/threads")
    assert named["storage_options"] == {"host": "host", "port": 2121, "username": "me"}


def test_a_redis_url_makes_a_bounded_pool():
    store = open_store("redis://u:p@h:1/2?ttl=60&client_name=me&socket_timeout=1", "memory://x")
    pool = store.hot.client.connection_pool
    kwargs = pool.connection_kwargs
    assert isinstance(pool, redis.asyncio.BlockingConnectionPool)
    assert pool.max_connections == 64
    assert kwargs["socket_timeout"] == 1.0
    assert kwargs["socket_connect_timeout"] == 1.25
    assert kwargs["retry"].get_retries() == 0  # ours: redis-py's multiply
    assert (kwargs["host"], kwargs["db"], kwargs["client_name"]) == ("h", 2, "me")
    assert repr(store).startswith("ThreadStore(hot='redis://***@h:1/2?")


def test_a_cluster_url_makes_a_client_of_all_its_hosts_without_connecting():
    store = open_store("redis+cluster://u:p%40q@h:1,[::1]:2,i?max_connections=7", "none")
    client = store.hot.client
    assert [(node.host, node.port) for node in client.startup_nodes] == [
        *(("h", 1), ("::1", 2), ("i", 6379))
    ]
    assert client.connection_kwargs["password"] == "p@q"
    assert client.connection_kwargs["max_connections"] == 7
    assert repr(store).startswith("ThreadStore(hot='redis+cluster://***@h:1,[::1]:2,i?max")


def test_a_sentinel_url_names_sentinels_service_database_and_both_passwords():
    url = "redis+sentinel://u:p@h,i:2/my%20threads/3?sentinel_password=s&ttl=60"
    pool = open_store(url, "none").hot.client.connection_pool
    assert (pool.service_name, pool.connection_kwargs["db"]) == ("my threads", 3)
    assert pool.connection_kwargs["password"] == "p"
    asked = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in asked] == [("h", 26379), ("i", 2)]
    assert {each["password"] for each in asked} == {"s"}


@pytest.mark.parametrize(
    ("cold", "expected"), [("memory://x", (60, THREAD_TTL_SECONDS)), ("none", (60, 60))]
)
def test_without_a_cold_tier_the_ttl_counts_for_every_thread(cold, expected):
    hot = open_store("memory://?ttl=60", cold).hot
    assert (hot._clean_ttl, hot._dirty_ttl) == expected


def test_a_ttl_above_ninety_days_counts_for_every_thread():
    hot = open_store(f"memory://?ttl={THREAD_TTL_SECONDS + 5}", "memory://x").hot
    assert hot._dirty_ttl == THREAD_TTL_SECONDS + 5


async def test_ready_objects_are_taken_as_they_are(tmp_path):
    hot, archive = MemoryHotTier(), ObjectArchive(LocalObjectStore(tmp_path), GzipCodec())
    store = open_store(hot, archive)
    assert store.hot is hot
    assert store.cold is archive
    client = redis.asyncio.Redis(port=1)
    assert open_store(client, "none").hot.client is client
    await client.aclose()


def test_an_object_store_or_filesystem_becomes_an_archive(tmp_path):
    assert isinstance(open_store("memory://", LocalObjectStore(tmp_path)).cold, ObjectArchive)
    filesystem = fsspec.filesystem("memory")
    assert isinstance(open_store("memory://", (filesystem, "/x")).cold, ObjectArchive)


def test_three_plain_methods_are_a_cold_tier():
    class Mine:
        async def read(self, thread_key, thread_id): ...
        async def write(self, thread_key, thread_id, snapshot): ...
        async def delete(self, thread_key, thread_id): ...

    assert isinstance(open_store("memory://", Mine()).cold, SimpleColdTier)


def test_importing_the_package_loads_no_backend_library():
    unwanted = ["s3fs", "gcsfs", "adlfs", "orjson", "typer", "rich", "aiobotocore"]
    code = f"import sys, zeitlich_store; print([n for n in {unwanted} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_open_fsspec_store_is_made_for_a_filesystem_pair(recorded):
    filesystem = fsspec.filesystem("memory")
    open_store("memory://", (filesystem, "/x"))
    assert recorded == [(("memory", "/x"), {"filesystem": filesystem})]
    assert FsspecObjectStore is not None
