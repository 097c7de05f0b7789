"""A Redis user with the rights that docs/operations.md names, and with one fewer each."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from zeitlich_store import ConfigurationError, open_store
from zeitlich_store.protocols import HotTier
from zeitlich_store.testing.hot_tier_suite import HotTierSuite

from .. import redis_services, services

ROOT = Path(__file__).parents[2]


def documented() -> list[str]:
    """The words of the ACL line in the documentation, behind ``ACL SETUSER app``."""
    text = (ROOT / "docs" / "operations.md").read_text()
    line = re.search(r"ACL SETUSER app ((?:.*\\\n)*.*)", text)[1]
    return line.replace("\\\n", " ").split()


RIGHTS = documented()
COMMANDS = [word for word in RIGHTS if word.startswith("+")]
OPTIONAL = {"+scan", "+info", "+script|load", "+cluster|slots", "+command", "+wait"}


@pytest.fixture(scope="module", params=["6.2", "7"])
def server(request, tmp_path_factory) -> Iterator[redis_services.Server]:
    executable = redis_services.of_version(request.param)
    with services.redis_server(tmp_path_factory.mktemp("acl"), executable=executable) as found:
        yield redis_services.Server(found.port)


def make_user(server: redis_services.Server, words: list[str]) -> str:
    with server.admin() as admin:
        admin.execute_command("ACL SETUSER", "app", "reset", *words)
    password = next(word[1:] for word in words if word.startswith(">"))
    return f"redis://app:{password}@{server.where}/0"


class TestHotTierOfAUserWithTheDocumentedRights(HotTierSuite):
    backend = "Redis 6.2 and 7, a user with the documented rights"

    @pytest.fixture
    async def hot(self, server) -> AsyncIterator[HotTier]:
        tier = open_store(make_user(server, RIGHTS), "memory://acl").hot
        await tier.open()
        yield tier
        await tier.aclose()


async def test_the_documented_user_may_do_nothing_else(server):
    make_user(server, RIGHTS)
    with server.admin(username="app", password="secret") as app:
        for command in (["KEYS", "*"], ["FLUSHDB"], ["CONFIG", "GET", "*"], ["ACL", "LIST"]):
            with pytest.raises(redis.exceptions.NoPermissionError):
                app.execute_command(*command)
        with pytest.raises(redis.exceptions.NoPermissionError):
            app.get("another:application")


@pytest.mark.parametrize("missing", sorted(set(COMMANDS) - OPTIONAL))
async def test_a_user_who_lacks_one_of_them_is_told_at_open(server, missing):
    url = make_user(server, [word for word in RIGHTS if word != missing])
    with pytest.raises(ConfigurationError, match=r"docs/operations\.md") as caught:
        await open_store(url, "none").open()
    assert missing.lstrip("+").partition("|")[0] in str(caught.value).lower()
    assert ",)" not in str(caught.value)  # redis-py shows a tuple of the server's words
    assert "secret" not in str(caught.value)


async def test_a_user_of_other_keys_is_told_at_open(server):
    url = make_user(server, ["~other:*" if word.startswith("~") else word for word in RIGHTS])
    with pytest.raises(ConfigurationError, match=r"keys.*docs/operations\.md"):
        await open_store(url, "none").open()


async def test_keys_may_be_narrowed_to_those_of_one_thread_key(server):
    narrow = ["~zs:{messages:*", "~zs:{zeitlich-store-*"]
    url = make_user(server, [*narrow, *(word for word in RIGHTS if not word.startswith("~"))])
    async with open_store(url, "memory://acl-narrow") as store:
        await store.thread("t").initialize()
        with pytest.raises(ConfigurationError, match=r"docs/operations\.md"):
            await store.thread("t", key="others").initialize()
        await store.delete("t")


@pytest.mark.parametrize("missing", ["+info", "+script|load"])
async def test_a_session_works_without_what_is_only_useful(server, missing):
    url = make_user(server, [word for word in RIGHTS if word != missing])
    with server.admin() as admin:
        admin.script_flush()
    async with open_store(url, "memory://acl-less") as store:
        async with store.session() as thread:
            await thread.append({"id": "m1"})
        assert (await store.read(thread.id)).messages == [{"id": "m1"}]


async def test_rights_taken_away_later_are_a_configuration_error_too(server):
    url = make_user(server, RIGHTS)
    async with open_store(url, "memory://acl-later") as store:
        thread = store.thread("t")
        await thread.initialize()
        with server.admin() as admin:
            admin.execute_command("ACL SETUSER", "app", "-rpush")
        with pytest.raises(ConfigurationError, match=r"docs/operations\.md"):
            await thread.append({"id": "m1"})
        with server.admin() as admin:
            admin.execute_command("ACL SETUSER", "app", "+rpush")
        assert await thread.append({"id": "m1"}) == 1
        await thread.delete()
