"""Schemes and names: lazily imported, and every mistake says what to do."""

import pytest

from zeitlich_store import registry
from zeitlich_store.codecs.plain import JsonCodec
from zeitlich_store.errors import ConfigurationError
from zeitlich_store.registry import (
    Registration,
    find_backend,
    make_codec,
    register_backend,
    register_codec,
)


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    monkeypatch.setattr(registry, "_BACKENDS", {k: dict(v) for k, v in registry._BACKENDS.items()})
    monkeypatch.setattr(registry, "_CODECS", dict(registry._CODECS))


def test_the_known_schemes():
    hot = {entry.name for entry in registry.backends("hot")}
    cold = {entry.name for entry in registry.backends("cold")}
    several = {f"redis{s}+{how}" for s in ("", "s") for how in ("cluster", "sentinel")}
    assert hot == {"memory", "redis", "rediss", "unix", *several}
    assert cold == {
        "file",
        "memory",
        "s3",
        "r2",
        "gs",
        "gcs",
        "az",
        "abfs",
        "webdav",
        "ftp",
        "sftp",
        "ssh",
    }


def test_an_unknown_scheme_lists_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"'rediz', did you mean 'redis'\? known: memory"):
        find_backend("hot", "rediz")
    with pytest.raises(
        ConfigurationError, match=r"ftp,.*every protocol of fsspec, or 'none' alone"
    ):
        find_backend("cold", "ss3")


def test_any_protocol_of_fsspec_is_a_cold_scheme():
    assert find_backend("cold", "smb").target == "zeitlich_store.builders:fsspec_store"


def test_a_missing_library_names_the_pip_command():
    entry = Registration("s3", "zeitlich_store_missing_module:x", extra="s3")
    with pytest.raises(ConfigurationError, match=r'pip install "zeitlich-store\[s3\]"'):
        entry.build()


def test_a_missing_library_without_extra_is_named():
    with pytest.raises(ConfigurationError, match="zeitlich_store_missing_module"):
        Registration("x", "zeitlich_store_missing_module:x").build()


def test_a_target_without_such_a_name_is_refused():
    with pytest.raises(ConfigurationError, match="no such name"):
        Registration("x", "json:nothing").build()


def test_a_plug_in_may_be_a_callable_or_a_string():
    register_backend("cold", "mine", dict, parameters=["room"], description="mine")
    assert find_backend("cold", "mine").build(a=1) == {"a": 1}
    assert find_backend("cold", "mine").parameters == ("room",)
    register_backend("cold", "mine", "builtins:list")
    assert find_backend("cold", "mine").build() == []


@pytest.mark.parametrize(
    ("kind", "scheme", "target"),
    [
        ("warm", "x", dict),
        ("hot", "", dict),
        ("hot", "X", dict),
        ("hot", "a:b", dict),
        ("hot", "x", "no colon"),
        ("hot", "x", 5),
    ],
)
def test_a_senseless_registration_is_refused(kind, scheme, target):
    with pytest.raises(ConfigurationError):
        register_backend(kind, scheme, target)


def test_codecs_by_name_and_level():
    assert make_codec("gzip", 9).level == 9
    assert make_codec("json") == JsonCodec()
    with pytest.raises(ConfigurationError, match="json takes no level"):
        make_codec("json", 3)
    with pytest.raises(ConfigurationError, match="1 to 9"):
        make_codec("gzip", 10)
    with pytest.raises(ConfigurationError, match="did you mean 'zstd'"):
        make_codec("zst")


def test_a_registered_codec_is_known():
    register_codec("mine", JsonCodec, description="mine")
    assert make_codec("mine") == JsonCodec()
    with pytest.raises(ConfigurationError):
        register_codec("a&b", JsonCodec)
