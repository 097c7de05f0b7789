"""Keys: what is accepted, what is asked of a callable, and that no key is ever shown."""

import asyncio
import base64
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from zeitlich_store import ConfigurationError, Encryption, Keyring, open_store
from zeitlich_store.encryption.keyring import new_key_text
from zeitlich_store.errors import KeyUnavailableError, MissingKeyError
from zeitlich_store.snapshot import v2

from .v2_keys import KEY_1, KEY_2, TEXT
from .v2_objects import CODECS, REF, snapshot

ROOT = Path(__file__).parents[2]


def shown(exc):
    return "".join(traceback.format_exception(exc))


def test_the_first_key_writes_and_all_read():
    ring = Keyring.from_text(TEXT)
    assert (ring.writing, ring.numbers) == (2, (2, 1))
    assert (ring.find(1).data, ring.find(2).data, ring.find(3)) == (KEY_1, KEY_2, None)
    assert Keyring.from_text(f" {TEXT.replace(',', ' , ')} ").numbers == (2, 1)


def test_both_alphabets_of_base64_are_read():
    key = b"\xfb\xef\xff" * 10 + b"\xff\xff"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert Keyring.from_text(f"1:{encode(key).decode()}").find(1).data == key


GOOD = base64.b64encode(KEY_1).decode()


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "1", GOOD, f"x:{GOOD}", f"-1:{GOOD}", f"1:{GOOD[:-4]}", f"1:{GOOD[:-1]}!"),
        *(f"1:{GOOD},", f"1:{GOOD},1:{GOOD}", f"0:{GOOD}", f"4294967296:{GOOD}", f"²:{GOOD}"),
        *(f"1:{GOOD}\n2:{GOOD}", f"1:{GOOD}{GOOD}", f"99999999999999999999:{GOOD}"),
    ],
)
def test_a_text_that_is_no_keyring_is_refused_without_repeating_it(text):
    with pytest.raises(ConfigurationError) as caught:
        Keyring.from_text(text)
    assert not re.search(r"AAEC|Hh8|AQID", str(caught.value))
    assert caught.value.__cause__ is None


def test_the_place_of_the_entry_that_is_wrong_is_named():
    with pytest.raises(ConfigurationError, match=r"encryption key no\. 2 cannot be read"):
        Keyring.from_text(f"1:{GOOD},2;{GOOD}")


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33, "x" * 32, None])
def test_a_key_has_32_bytes(key):
    with pytest.raises(ConfigurationError, match="key 3 is not of 32 bytes"):
        Keyring([(3, key)])
    with pytest.raises(ConfigurationError, match="at least one"):
        Keyring([])


def test_a_generated_key_is_a_keyring_and_never_the_same():
    texts = {new_key_text(5) for _ in range(20)}
    assert len(texts) == 20
    assert all(Keyring.from_text(text).numbers == (5,) for text in texts)
    with pytest.raises(ConfigurationError):
        new_key_text(0)


def test_no_repr_shows_a_key(monkeypatch):
    monkeypatch.setenv("ZEITLICH_ENCRYPTION_KEYS", TEXT)
    ring = Keyring.from_environment()
    store = open_store("memory://", "memory://keys?encryption=on")
    for thing in (ring, ring.find(1), Encryption(ring), Encryption(lambda _: None), store):
        for key in (KEY_1, KEY_2):
            assert base64.b64encode(key).decode() not in repr(thing)
            assert repr(key)[2:20] not in repr(thing)
    assert repr(Encryption(ring)) == "Encryption(Keyring(2 writes, 1), mode='on')"


def test_no_local_of_ours_in_a_traceback_shows_a_key(monkeypatch):
    good = base64.b64encode(KEY_2).decode()
    for text in (f"1:{good},1:{good}", f"1:{good},x", f"0:{good}", f"1:{good}{good}"):
        monkeypatch.setenv("ZEITLICH_ENCRYPTION_KEYS", text)
        with pytest.raises(ConfigurationError) as caught:
            open_store("memory://", "memory://a")
        for frame in traceback.TracebackException.from_exception(
            caught.value, capture_locals=True
        ).stack[1:]:
            shown_locals = str(frame.locals)
            assert good not in shown_locals
            assert repr(KEY_2)[2:20] not in shown_locals


# -- modes -----------------------------------------------------------------------------------------


def encryption_of(cold, **options):
    return open_store("memory://", cold, **options).cold.encryption


def test_keys_that_are_configured_encrypt(monkeypatch):
    assert encryption_of("memory://a").mode == "off"
    monkeypatch.setenv("ZEITLICH_ENCRYPTION_KEYS", TEXT)
    assert encryption_of("memory://a").mode == "on"
    assert encryption_of("memory://a?encryption=require").requires
    off = encryption_of("memory://a?encryption=off")
    assert (off.writes, off.has_keys) == (False, True)
    mine = Encryption(Keyring([(9, KEY_1)]), mode="require")
    assert encryption_of("memory://a", encryption=mine) is mine
    assert encryption_of("memory://a", encryption=Keyring([(9, KEY_1)])).writes


@pytest.mark.parametrize("mode", ["on", "require"])
def test_encryption_without_keys_does_not_open(mode):
    with pytest.raises(ConfigurationError, match=f"encryption={mode} needs keys.*ENCRYPTION_KEYS"):
        open_store("memory://", f"memory://a?encryption={mode}")


@pytest.mark.parametrize(
    ("cold", "words"),
    [
        ("memory://a?format=v1", "format=v1 cannot be encrypted"),
        ("memory://a?encryption=maybe", "is one of on, require, off"),
        ("memory://a?encryption=off", "given twice"),
        ("none", "without a cold tier"),
        (open_store("memory://", "memory://ready").cold, "decides itself"),
    ],
)
def test_encryption_that_would_have_no_effect_is_a_mistake(cold, words):
    with pytest.raises(ConfigurationError, match=words):
        open_store("memory://", cold, encryption=Encryption(Keyring([(1, KEY_1)])))


def test_a_key_in_the_environment_that_cannot_be_read_is_told_at_once(monkeypatch):
    monkeypatch.setenv("ZEITLICH_ENCRYPTION_KEYS", "secret-canary")
    with pytest.raises(ConfigurationError, match="ZEITLICH_ENCRYPTION_KEYS: ") as caught:
        open_store("memory://", "memory://a?encryption=off")
    assert "canary" not in shown(caught.value)


@pytest.mark.parametrize("keys", ["text", 5, b"x" * 32])
def test_something_else_is_no_source_of_keys(keys):
    with pytest.raises(ConfigurationError, match="Keyring, an Encryption or a callable"):
        open_store("memory://", "memory://a", encryption=keys)


def test_a_missing_library_is_told_at_open_with_the_command_that_brings_it():
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from zeitlich_store import Keyring, open_store\n"
        "open_store('memory://', 'memory://a')\n"  # needs none
        "try: open_store('memory://', 'memory://a', encryption=Keyring([(1, bytes(32))]))\n"
        "except Exception as exc: print(type(exc).__name__, exc)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.startswith("ConfigurationError")
    assert 'pip install "zeitlich-store[encryption]"' in done.stdout


# -- a callable ------------------------------------------------------------------------------------


class Source:
    """A key management service; what it is asked is noted."""

    def __init__(self, keys, writing):
        self.keys, self.writing, self.asked = keys, writing, []

    def __call__(self, number):
        self.asked.append(number)
        number = self.writing if number is None else number
        return number, self.keys[number]


async def sealed(encryption):
    return v2.encode(REF, snapshot("a"), CODECS["json"], sealer=await encryption.sealer())


async def unsealed(encryption, data):
    keys = await encryption.keys_of(data)
    return v2.parse(data, CODECS.values(), max_bytes=1 << 20, keys=keys).snapshot


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_a_callable_is_asked_late_and_once_for_each_key(kind):
    source = Source({1: KEY_1, 2: KEY_2}, writing=2)

    async def slow(number):
        await asyncio.sleep(0)
        return source(number)

    encryption = Encryption(source if kind == "plain" else slow)
    assert source.asked == []
    made = await asyncio.gather(*(sealed(encryption) for _ in range(20)))
    assert source.asked == [None]
    assert await unsealed(encryption, made[0]) == snapshot("a")
    assert source.asked == [None]  # it told the number as well
    old = await sealed(Encryption(Keyring([(1, KEY_1)])))
    for _ in range(3):
        assert await unsealed(encryption, old) == snapshot("a")
    assert source.asked == [None, 1]


async def test_a_key_the_callable_does_not_know_is_missing():
    data = await sealed(Encryption(Keyring([(7, KEY_1)])))
    with pytest.raises(MissingKeyError, match="encrypted with key 7"):
        await unsealed(Encryption(Source({1: KEY_1}, 1)), data)


async def test_a_failing_callable_is_an_error_of_ours_that_may_be_retried():
    source = Source({1: KEY_1}, 1)
    failing = [OSError("canary"), TimeoutError("canary")]

    def moody(number):
        if failing:
            raise failing.pop()
        return source(number)

    encryption = Encryption(moody)
    for kind in ("TimeoutError", "OSError"):
        with pytest.raises(KeyUnavailableError, match=f"{kind}; retry") as caught:
            await sealed(encryption)
        assert "canary" not in str(caught.value)
        assert caught.value.__cause__ is not None
    assert await unsealed(encryption, await sealed(encryption)) == snapshot("a")


@pytest.mark.parametrize("answer", [None, KEY_1, (1,), (1, b"short"), ("1", KEY_1), (0, KEY_1)])
async def test_an_answer_that_is_no_key_is_a_mistake(answer):
    with pytest.raises(ConfigurationError) as caught:
        await sealed(Encryption(lambda _: answer))
    assert repr(KEY_1)[2:20] not in str(caught.value)


async def test_the_answer_must_be_the_key_asked_for():
    data = await sealed(Encryption(Keyring([(7, KEY_1)])))
    with pytest.raises(ConfigurationError, match="something else than key 7"):
        await unsealed(Encryption(lambda _: (8, KEY_1)), data)


async def test_one_encryption_serves_several_event_loops():
    encryption = Encryption(Source({1: KEY_1}, 1))
    data = await sealed(encryption)
    other = await asyncio.to_thread(lambda: asyncio.run(unsealed(encryption, data)))
    assert other == snapshot("a")
