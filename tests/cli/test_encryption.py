"""Keys from the environment, `keygen`, and what doctor, verify and salvage say of encryption."""

import base64

import pytest

ENVIRONMENT = "ZEITLICH_ENCRYPTION_KEYS"
ONE, TWO = (f"{n}:{base64.b64encode(bytes(range(n, n + 32))).decode()}" for n in (1, 2))


def heads(tmp_path):
    return [path.read_bytes() for path in (tmp_path / "cold").rglob("head.zt2")]


def test_keygen_prints_a_key_that_can_be_used_at_once(zs, monkeypatch, tmp_path, data):
    code, out, err = zs("keygen")
    assert (code, out.count("\n"), out[:2]) == (0, 1, "1:")
    assert out[2:].strip() not in err
    monkeypatch.setenv(ENVIRONMENT, out.strip())
    (tmp_path / "chat.jsonl").write_bytes(data)
    zs.json("import", tmp_path / "chat.jsonl")
    (stored,) = heads(tmp_path)
    assert b"assistant" not in stored
    assert zs("export", "chat")[0] == 0


def test_keygen_counts_on_and_takes_no_number_twice(zs, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, f"{TWO},{ONE}")
    assert zs("keygen")[1].startswith("3:")
    assert zs.json("keygen", "--number", 9)["entry"].startswith("9:")
    assert zs("keygen", "--number", 2)[0] == 2
    assert zs("keygen", "--number", 0)[0] == 2


def test_doctor_tells_which_key_writes_and_never_the_key(zs, monkeypatch):
    def line(*options):
        rows = {row["check"]: row for row in zs.json("doctor", *options)["rows"]}
        return rows["encryption"]["result"], rows["encryption"]["detail"]

    assert line() == ("off", "archives are written in plaintext; there are no keys")
    monkeypatch.setenv(ENVIRONMENT, f"{TWO},{ONE}")
    assert line() == ("ok", "AES-256-GCM, key 2 writes; plain archives are read")
    assert line("--cold", "memory://x?encryption=require")[1].endswith("plain archives are refused")
    assert line("--cold", "memory://x?encryption=off")[1].endswith("encrypted ones are read")
    assert ONE[2:] not in "".join(map(str, zs("doctor", "-v")))
    assert TWO[2:] not in "".join(map(str, zs("doctor", "-v")))


@pytest.fixture
def sealed(zs, monkeypatch, tmp_path, data):
    """A thread `chat`, archived under key 1."""
    monkeypatch.setenv(ENVIRONMENT, ONE)
    (tmp_path / "chat.jsonl").write_bytes(data)
    zs.json("import", tmp_path / "chat.jsonl")
    return monkeypatch


def test_without_keys_an_archive_is_an_error_with_its_number(zs, sealed):
    sealed.delenv(ENVIRONMENT)
    code, out, err = zs("show", "chat")
    assert (code, out) == (1, "")
    assert "encrypted with key 1" in err
    assert zs("verify") == (
        0,
        "1 archive, 0 damaged, 1 encrypted: without keys only checksums were checked\n",
        "",
    )
    assert zs.json("verify")["unchecked"] == 1


def test_a_wrong_key_is_told_as_such(zs, sealed):
    sealed.setenv(ENVIRONMENT, f"1:{TWO[2:]}")
    code, _, err = zs("show", "chat")
    assert code == 1
    assert "is not the key 1" in err
    assert zs("verify")[0] == 1
    assert TWO[2:] not in err


def test_keys_that_cannot_be_read_are_bad_input_and_not_repeated(zs, sealed):
    sealed.setenv(ENVIRONMENT, "1:canary")
    code, out, err = zs("-v", "ls")
    assert (code, out) == (2, "")
    assert "canary" not in err
    assert "keygen" in err


def test_keys_are_rotated_from_the_command_line(zs, sealed, tmp_path):
    sealed.setenv(ENVIRONMENT, f"{TWO},{ONE}")
    assert zs.json("convert", "--format", "v2", "--all")[0]["status"] == "converted"
    sealed.setenv(ENVIRONMENT, TWO)
    assert zs.json("convert", "--format", "v2", "--all")[0]["status"] == "already"
    assert zs("verify")[0] == 0


def test_salvage_of_a_file_uses_the_keys_of_the_environment(zs, sealed, tmp_path, data):
    copy = tmp_path / "copy.zt2"
    copy.write_bytes(heads(tmp_path)[0][:-5])
    code, out, err = zs("salvage", "--file", copy)
    assert (code, out.count("\n")) == (1, 3)
    assert "3 of 3 messages" in err
    sealed.delenv(ENVIRONMENT)
    code, out, err = zs("salvage", "--file", copy)
    assert (code, out) == (1, "")
    assert "encrypted with key 1" in err
