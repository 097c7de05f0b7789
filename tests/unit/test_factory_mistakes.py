"""`open_store`: mistakes show at the call, and say what to do."""

import pytest
import redis
import redis.asyncio

from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.errors import ConfigurationError
from zeitlich_store.factory import open_store

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("hot", "cold", "more", "message"),
    [
        ("rediss", "none", {}, "hot URL is not a URL"),
        ("none", "none", {}, "not a URL: .* redis://localhost:6379$"),
        ("localhost:6379", "none", {}, "not a URL: .* redis://localhost:6379$"),
        ("redis+clustr://h", "none", {}, "did you mean 'redis.cluster'"),
        ("http://h", "none", {}, "unknown hot scheme"),
        ("memory://name", "none", {}, "no name"),
        ("redis://h/0?decode_responses=true", "none", {}, "unknown hot URL parameter"),
        ("redis+cluster://h/3", "none", {}, "database 0 alone"),
        (
            "redis+cluster://h?db=1",
            "none",
            {},
            "unknown hot URL parameter 'db'.*known: client_name",
        ),
        ("redis+cluster://h:port", "none", {}, "the port in the hot URL"),
        ("redis+cluster://h,,i", "none", {}, "host:port,host:port"),
        ("redis+sentinel://h:1,i:2", "none", {}, "names the service"),
        ("redis+sentinel://h/s/x", "none", {}, "DATABASE-NUMBER"),
        ("redis+sentinel://h/s?sentinel_pasword=x", "none", {}, "'sentinel_password'"),
        ("redis+cluster://h?ssl_ca_certs=x", "none", {}, "unknown hot URL parameter"),
        ("redis://h?max_connections=0", "none", {}, "at least 1"),
        ("redis://[h/0", "none", {}, "redis-py refuses the hot URL"),
        ("redis://h:port/0", "none", {}, "the port in the hot URL"),
        (5, "none", {}, "not int"),
        (object(), "none", {}, "not object"),
        ("memory://", "/tmp/x", {}, "file:///path"),
        ("memory://", "file://", {}, "names a folder"),
        ("memory://", "s3://", {}, "names a bucket"),
        ("memory://", "s3://b/../c", {}, "names a bucket"),
        ("memory://", "r2://account", {}, "r2://ACCOUNT/bucket/prefix"),
        ("memory://", "file:///x?region=a", {}, "'region' has no effect"),
        ("memory://", "gs://b?region=a", {}, "'region' has no effect"),
        ("memory://", "file:///x", {"storage_options": {"a": 1}}, "have no effect"),
        ("memory://", "memory://x?codec=zst", {}, "did you mean 'zstd'"),
        ("memory://", "memory://x?codec=json&level=3", {}, "takes no level"),
        ("memory://", "memory://x?codec=gzip", {"codec": "zstd"}, "given twice"),
        ("memory://", "memory://x?codec=gzip", {"codec": GzipCodec()}, "given both"),
        ("memory://", "memory://x", {"codec": 5}, "a name or a Codec"),
        ("memory://", "memory://x", {"max_decoded_bytes": 0}, "positive int"),
        ("memory://", 5, {}, "not int"),
        ("memory://", (5, "x"), {}, "pair"),
        ("memory://", "s3://k:hunter2@b", {}, "userinfo"),
        ("memory://", "s3://b::file://x", {}, "chained"),
    ],
)
def test_a_mistake_shows_at_the_call(hot, cold, more, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        open_store(hot, cold, **more)
    assert SECRET not in str(caught.value)


def test_redis_clients_that_cannot_be_used_are_refused_with_advice():
    with pytest.raises(ConfigurationError, match=r"redis\.asyncio\.Redis"):
        open_store(redis.Redis(), "none")
    with pytest.raises(ConfigurationError, match="decode_responses=False"):
        open_store(redis.asyncio.Redis(decode_responses=True), "none")


def test_a_ready_object_takes_no_settings_of_another(tmp_path):
    archive = ObjectArchive(LocalObjectStore(tmp_path), GzipCodec())
    with pytest.raises(ConfigurationError, match="its own codec"):
        open_store("memory://", archive, codec="gzip")
    with pytest.raises(ConfigurationError, match="go with a cold URL"):
        open_store("memory://", archive, storage_options={"a": 1})


def test_a_bad_redis_url_does_not_show_its_password_in_the_cause():
    with pytest.raises(ConfigurationError) as caught:
        open_store(f"redis://:{SECRET}@h:port/0", "none")
    assert SECRET not in str(caught.value) + repr(caught.value.__cause__)
