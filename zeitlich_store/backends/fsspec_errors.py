"""What fsspec's filesystems raise, in our words; no secret survives the translation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ..errors import ColdTierAccessError, ColdTierUnavailableError, ZeitlichStoreError

_REFUSED_CODES: Final = {
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "AuthenticationFailed",
}
_ADDRESSES: Final = {"base_url", "endpoint_url", "account_url", "account_host"}
_REFUSED_TYPES: Final = {
    "AuthenticationException",
    "BadAuthenticationType",
    "ClientAuthenticationError",
    "DefaultCredentialsError",
    "NoCredentialsError",
    "PartialCredentialsError",
    "PasswordRequiredException",
    "RefreshError",
    "TokenRetrievalError",
}


def translate(
    exc: Exception, what: str, name: str, secrets: Sequence[str] = ()
) -> ZeitlichStoreError:
    """`ColdTierAccessError` where the service refused us, else `ColdTierUnavailableError`."""
    text = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    for secret in secrets:
        text = text.replace(secret, "***")
    if is_refusal(exc):
        return ColdTierAccessError(f"{what} {name} was refused, check the credentials: {text}")
    return ColdTierUnavailableError(f"{what} {name} failed: {text}")


def is_missing_bucket(exc: BaseException) -> bool:
    """Whether a FileNotFoundError is about the bucket: s3fs and adlfs raise it for either."""
    codes = {"NoSuchBucket", "ContainerNotFound"}
    return any(
        code_of(link) in codes or str(getattr(link, "error_code", "")) in codes
        for link in _chain(exc)
    )


def secrets_of(options: Mapping[str, Any]) -> list[str]:
    """Every text in the options that may be a secret, longest first; of an endpoint its parts."""
    found = {text for text in _texts(options) if len(text) >= 6}
    return sorted(found, key=len, reverse=True)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name in _ADDRESSES:
                yield from _url_secrets(str(item))
            elif name not in {"region_name", "signature_version"}:
                yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _url_secrets(url: str) -> Iterator[str]:
    """Userinfo and query of an address, as they stand there and decoded."""
    try:
        found = urlsplit(url)
    except ValueError:
        yield url  # no URL; the filesystem says so itself
        return
    if not found.netloc:
        yield url
    values = [value for part in found.query.split("&") for value in part.split("=", 1)[1:]]
    for text in (found.username, found.password, found.query, *values):
        if text:
            yield from (text, unquote(text))


def is_refusal(exc: BaseException) -> bool:
    """Whether the service refused us: credentials or permissions."""
    return any(
        isinstance(link, PermissionError)
        # gcsfs tells a 403 by the text alone.
        or (type(link) is OSError and str(link).startswith("Forbidden"))
        or type(link).__name__ in _REFUSED_TYPES
        or code_of(link) in _REFUSED_CODES
        or _status(link) in {401, 403}
        # paramiko has nothing to log in with.
        or str(link) == "No authentication methods available"
        # ftplib tells by the text alone.
        or (type(link).__name__ == "error_perm" and str(link)[:3] in {"530", "532"})
        for link in _chain(exc)
    )


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if exc is None:
            return
        yield exc
        exc = exc.__cause__ or exc.__context__


def code_of(exc: BaseException | None) -> str:
    """The error code in an S3 client's own exception, "" in any other."""
    response = getattr(exc, "response", None)
    error = response.get("Error", {}) if isinstance(response, Mapping) else {}
    return str(error.get("Code", ""))


def _status(exc: BaseException) -> int | None:
    for name in ("status_code", "status", "code"):
        found = getattr(exc, name, None)
        if isinstance(found, int):
            return found
    return None
