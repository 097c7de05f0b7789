"""URLs: what is refused, what is understood, and that no secret is ever repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeitlich_store.errors import ConfigurationError
from zeitlich_store.redaction import redact_url
from zeitlich_store.urls import parse_cold_url, parse_hot_url

SECRET = "hunter2"


def test_own_parameters_are_typed_and_taken_out():
    url = parse_hot_url("redis://h:1/0?ttl=60&db=3", parameters=["db"])
    assert url.options == {"ttl": 60}
    assert url.rest == {"db": "3"}
    assert url.text == "redis://h:1/0?db=3"


def test_cold_parameters_are_typed():
    url = parse_cold_url(
        "S3://bucket/a%20b?codec=gzip&level=9&format=v1&prefix=x/y&max_decoded_bytes=5"
        "&content_type=application/json&endpoint_url=http://localhost:9000&region=eu-west-1"
    )
    assert url.scheme == "s3"
    assert url.location == "bucket/a b"
    assert url.options == {
        "codec": "gzip",
        "level": 9,
        "format": "v1",
        "prefix": "x/y",
        "max_decoded_bytes": 5,
        "content_type": "application/json",
        "endpoint_url": "http://localhost:9000",
        "region": "eu-west-1",
    }


def test_backend_parameters_survive_encoding():
    url = parse_hot_url("redis://h?password=a%26b%3D%25", parameters=["password"])
    assert url.rest == {"password": "a&b=%"}
    assert url.text == "redis://h?password=a%26b%3D%25"


def test_an_unknown_parameter_lists_the_known_ones_and_the_nearest():
    with pytest.raises(ConfigurationError, match=r"'levl', did you mean 'level'\? known: codec, "):
        parse_cold_url("file:///x?levl=3")


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "", "abc", "nan", "1e3", "9" * 17, "\u0661"])
def test_a_ttl_is_a_positive_whole_number(value):
    with pytest.raises(ConfigurationError, match="'ttl' of the hot URL is a whole number"):
        parse_hot_url(f"memory://?ttl={value}")


@pytest.mark.parametrize(
    "query",
    [
        "level=x",
        "format=v3",
        "conditional=yes",
        "keep_v1=maybe",
        "prefix=/abs",
        "prefix=a/../b",
        "prefix=a//b",
        "prefix=.hidden",
        "prefix=a%5Cb",
        "prefix=a%00",
        "content_type=no",
        "content_type=a/b%0D%0AX:1",
        "max_decoded_bytes=0",
        "endpoint_url=ftp://x",
        "endpoint_url=http://u:p%40h",
        "region=a/b",
        "codec=",
        "codec=json&codec=json",
        "codec",
        "=x",
        "legacy=2",
    ],
)
def test_a_bad_cold_parameter_is_refused(query):
    with pytest.raises(ConfigurationError):
        parse_cold_url(f"file:///x?{query}")


def test_an_empty_prefix_means_the_root():
    assert parse_cold_url("file:///x?prefix=").options == {"prefix": ""}


@pytest.mark.parametrize(
    "url",
    [
        f"s3://AK:{SECRET}@b/p",
        f"s3://AK:{SECRET}/more@b/p",
        f"s3://{SECRET}@b",
        f"az://c@account:{SECRET}@x",
        f"s3://b/p?codec={SECRET}@x",
        f"no-url-{SECRET}",
        f"s3://b?{SECRET}",
        f"s3::{SECRET}://b",
        f"s3://b::{SECRET}",
        f"s3://b?endpoint_url=http://k:{SECRET}%40h",
    ],
)
def test_a_cold_url_with_userinfo_or_no_sense_is_refused_without_repeating_it(url):
    with pytest.raises(ConfigurationError) as caught:
        parse_cold_url(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:pa?{SECRET}@h/0",
        f"redis://:pa?{SECRET}=x@h/0",
        f"redis://:pa#{SECRET}@h/0",
        f"redis://h/0?{SECRET}",
    ],
)
def test_a_hot_url_with_an_unescaped_password_is_refused_without_repeating_it(url):
    with pytest.raises(ConfigurationError) as caught:
        parse_hot_url(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0?ttl=60", "redis://localhost:6379/0?ttl=60"),
        (f"redis://user:{SECRET}@h:1/0", "redis://***@h:1/0"),
        (f"redis://:{SECRET}/x@h", "redis://***@h"),
        (f"redis+cluster://u:{SECRET}@h:1,i:2?ttl=60", "redis+cluster://***@h:1,i:2?ttl=60"),
        (f"redis+cluster://u:{SECRET}@h:1,u:{SECRET}@i:2", "redis+cluster://***@i:2"),
        (
            f"rediss+sentinel://u:{SECRET}@h,i/s/3?sentinel_username=me&sentinel_password={SECRET}",
            "rediss+sentinel://***@h,i/s/3?sentinel_username=***&sentinel_password=***",
        ),
        (f"redis://:a?{SECRET}@h", "redis://***@***"),
        (f"redis://u:{SECRET}/0", "redis://u:***/0"),
        ("redis://u:12,34/0", "redis://u:***/0"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        (f"redis+cluster://h:1,u:{SECRET},i:2/0", "redis+cluster://h:1,u:***/0"),
        ("rediss+cluster://[::1]:1,h:2,i", "rediss+cluster://[::1]:1,h:2,i"),
        (f"redis+sentinel://h:1,[::1]:{SECRET}/s/3?db=1", "redis+sentinel://h:1,[:***/s/3?db=1"),
        (f"unix://u:{SECRET}@/run/r.sock?db=1&password={SECRET}", "unix://***@/run/r.sock?db=1&password=***"),
        (f"s3://b/p?key={SECRET}&codec=zstd&{SECRET}", "s3://b/p?key=***&codec=zstd&***"),
        (
            f"s3://b?endpoint_url=http%3A%2F%2Fk%3A{SECRET}%40h",
            "s3://b?endpoint_url=http://***@h",
        ),
        (f"file:///x\n{SECRET[:0]}y", "file:///x?y"),
        (SECRET, "***"),
        ("", "***"),
        (None, "***"),
        (object(), "***"),
    ],
)  # fmt: skip
def test_redaction_keeps_what_helps_and_nothing_else(url, shown):
    assert redact_url(url) == shown


@given(st.text())
def test_redaction_never_raises(text):
    assert isinstance(redact_url(text), str)
    assert isinstance(redact_url(f"s3://{text}"), str)


@given(
    st.sampled_from(["redis://:{}@h/0", "redis://u:{}@h?db=1", "s3://AK:{}@b/p", "s3://b?key={}"]),
    st.text(st.characters(exclude_characters="&", categories=["L", "N", "P", "S"]), max_size=6),
    st.text(st.characters(exclude_characters="&", categories=["L", "N", "P", "S"]), max_size=6),
)
def test_redaction_hides_a_secret_whatever_stands_around_it(template, before, after):
    assert SECRET not in redact_url(template.format(before + SECRET + after))


def test_the_repr_of_a_parsed_url_shows_no_secret():
    url = parse_hot_url(f"redis://u:{SECRET}@h?password={SECRET}", parameters=["password"])
    assert SECRET not in repr(url) + str(url)
