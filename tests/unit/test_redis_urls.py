"""Redis URLs: no database, port or number is read as another than was written."""

import pytest

from zeitlich_store import ConfigurationError, open_store

SECRET = "hunter2"
ADDRESSES = ["redis://h:1", "rediss://h:1", "redis+sentinel://h:1/s"]


def database_of(url):
    return open_store(url, "none").hot._link.client.connection_pool.connection_kwargs.get("db")


@pytest.mark.parametrize(
    "path", ["/abc", "/1/0", "//1", "/-1", "/+1", "/1.0", "/٣", "/1%2F0", "/ 1", f"/{10**9}"]
)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_path_that_is_not_one_whole_number_is_refused(address, path):
    with pytest.raises(ConfigurationError, match=r"whole number|DATABASE-NUMBER"):
        open_store(f"{address}{path}", "none")


@pytest.mark.parametrize("address", ADDRESSES)
def test_two_different_databases_are_refused_and_the_same_twice_is_taken(address):
    with pytest.raises(ConfigurationError, match="two databases"):
        open_store(f"{address}/2?db=3", "none")
    assert database_of(f"{address}/2?db=2") == 2


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    ("end", "database"), [("", 0), ("/", 0), ("/0", 0), ("/7", 7), ("/7/", 7), ("?db=7", 7)]
)
def test_the_database_is_the_one_that_is_named(address, end, database):
    assert (database_of(f"{address}{end}") or 0) == database


def test_the_path_of_a_socket_is_no_database():
    assert database_of("unix:///run/1/redis.sock?db=3") == 3


@pytest.mark.parametrize("path", ["/1", "/abc", "/0/1", "/-0"])
def test_a_cluster_has_database_0_alone(path):
    open_store("redis+cluster://h:1/0", "none")
    with pytest.raises(ConfigurationError, match="database 0 alone"):
        open_store(f"redis+cluster://h:1{path}", "none")


@pytest.mark.parametrize(
    "url",
    ["redis://h:1/0", "unix:///run/redis.sock", "redis+cluster://h:1", "redis+sentinel://h/s"],
)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("db", "x"),
        ("db", "-1"),
        ("db", ""),
        ("health_check_interval", "1.5"),
        ("max_connections", "many"),
        ("protocol", "4"),
        ("socket_connect_timeout", "-1"),
        ("socket_read_size", "0"),
        ("socket_timeout", "x"),
        ("socket_timeout", "nan"),
        ("timeout", "inf"),
    ],
)
def test_a_number_that_is_none_is_refused_by_its_name(url, name, value):
    with pytest.raises(ConfigurationError, match=f"parameter '{name}'") as caught:
        open_store(f"{url}?{name}={value}", "none")
    assert "redis-py" not in str(caught.value)


@pytest.mark.parametrize("port", ["99999", "0", "-1", SECRET])
@pytest.mark.parametrize("scheme", ["redis", "rediss", "redis+cluster", "redis+sentinel"])
def test_a_port_that_is_none_is_told_and_not_repeated(scheme, port):
    with pytest.raises(ConfigurationError, match="port in the hot URL") as caught:
        open_store(f"{scheme}://h:{port}/0", "none")
    assert port == "0" or port not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("userinfo", [f":1/{SECRET}", f"u/{SECRET}", f":{SECRET}/x"])
def test_a_password_whose_slash_makes_it_a_path_is_not_repeated(userinfo):
    with pytest.raises(ConfigurationError) as caught:
        open_store(f"redis://{userinfo}@h:1/0", "none")
    assert SECRET not in str(caught.value)
