"""Cold tiers full of canaries: some work, most fail in a way of their own."""

import asyncio
import contextlib
import json
import secrets

from .. import services
from ..cloud_services import AZURE_KEY, google_tokens, private_key, service_account
from ..cold.test_never_absent import answering
from .canaries import CANARIES

KEYS = {
    "key": CANARIES["access key id"],
    "secret": CANARIES["secret key"],
    "token": CANARIES["session token"],
}
QUICK = {"retries": {"max_attempts": 1}, "connect_timeout": 1, "read_timeout": 0.3}
CANARIES["private key of an account"] = private_key().splitlines()[5]
CANARIES["account key of Azurite"] = AZURE_KEY
CANARIES["password of the servers"] = services.CREDENTIALS["secret"]
HMAC = CANARIES["account key"]
SAS = f"?sv=2024-01-01&sig={CANARIES['SAS signature']}"


def s3(endpoint, **more):
    options = {"endpoint_url": endpoint, **KEYS, "config_kwargs": QUICK, **more}
    options["client_kwargs"] = {"region_name": "us-east-1"}
    return "s3://bucket/p", options


def azure(endpoint, **options):
    account = f"AccountName=a;AccountKey={HMAC};BlobEndpoint={endpoint}/a;"
    whole = {"connection_string": f"DefaultEndpointsProtocol=http;{account}"}
    return "az://cont/p", options or whole


def refused(status, code):
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    headers = {"x-ms-error-code": code, "Content-Type": "application/xml"}
    return lambda *_: (status, body, headers)


@contextlib.asynccontextmanager
async def silent():
    """A server that never answers."""

    async def wait(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(wait, services.HOST, 0)
    async with server:
        yield f"http://{services.HOST}:{server.sockets[0].getsockname()[1]}"


@contextlib.asynccontextmanager
async def s3_works(request):
    server = request.getfixturevalue("s3_server")
    bucket = request.getfixturevalue("bucket_of")(server)
    url, options = s3(server.endpoint_url)
    yield url.replace("bucket", bucket), options


@contextlib.asynccontextmanager
async def s3_without_bucket(request):
    yield s3(request.getfixturevalue("s3_server").endpoint_url)


def _s3_answers(status, code):
    @contextlib.asynccontextmanager
    async def case(request):
        async with answering(refused(status, code)) as (url, _):
            yield s3(url)

    return case


@contextlib.asynccontextmanager
async def s3_silent(request):
    async with silent() as url:
        yield s3(url)


def _fixed(made):
    @contextlib.asynccontextmanager
    async def case(request):
        yield made

    return case


@contextlib.asynccontextmanager
async def azure_refuses(request):
    async with answering(refused(403, "AuthenticationFailed")) as (url, _):
        yield azure(url)


@contextlib.asynccontextmanager
async def azure_signed(request):
    async with answering(refused(403, "AuthorizationFailure")) as (url, _):
        address = f"BlobEndpoint={url}/a;SharedAccessSignature={SAS[1:]}"
        yield azure(url, connection_string=address)


@contextlib.asynccontextmanager
async def azure_works(request):
    server = request.getfixturevalue("azure_server")
    yield f"az://{request.getfixturevalue('bucket_of')(server)}/p", server.storage_options


@contextlib.asynccontextmanager
async def gcs_works(request):
    server = request.getfixturevalue("gcs_server")
    with google_tokens(CANARIES["session token"]) as (url, _):
        account = {"token": service_account(url), "project": "p"}
        options = {"endpoint_url": server.endpoint_url, **account}
        yield f"gs://{request.getfixturevalue('bucket_of')(server)}/p", options


@contextlib.asynccontextmanager
async def gcs_with_a_file(request):
    file = request.getfixturevalue("tmp_path") / "account.json"
    file.write_text(json.dumps(ACCOUNT))
    yield "gs://bucket/p", {"token": str(file)}


def _on(server, folder="", **login):
    """A server of the tests that is reached by its URL; with `login` it refuses us."""

    @contextlib.asynccontextmanager
    async def case(request):
        found = request.getfixturevalue(server)
        yield found.url(secrets.token_hex(8)) + folder, {**found.storage_options, **login}

    return case


LOGIN = {"username": CANARIES["user"], "password": CANARIES["password"]}
CLOSED = f"http://{services.HOST}:1"
NOWHERE = "http://no-such-host.invalid:9"
SIGNED = f"http://{CANARIES['user']}:{CANARIES['endpoint password']}@{services.HOST}:1/{SAS}"
ACCOUNT = {**service_account(f"{CLOSED}/token"), "private_key": CANARIES["private key"]}
CASES = {
    "s3 works": s3_works,
    "s3 has no bucket": s3_without_bucket,
    "s3 refuses the key": _s3_answers(403, "InvalidAccessKeyId"),
    "s3 refuses the signature": _s3_answers(403, "SignatureDoesNotMatch"),
    "s3 refuses the token": _s3_answers(400, "ExpiredToken"),
    "s3 fails": _s3_answers(500, "InternalError"),
    "s3 is silent": s3_silent,
    "s3 is not there": _fixed(s3(CLOSED)),
    "s3 has no address": _fixed(s3(NOWHERE)),
    "s3 has a signed endpoint": _fixed(s3(SIGNED)),
    "s3 with an endpoint that is none": _fixed(s3(f"canary {CANARIES['endpoint password']}")),
    "s3 with an unknown option": _fixed(s3(CLOSED, **{CANARIES["secret key"]: 1})),
    "s3 with a secret for a dict": _fixed(
        ("s3://bucket", {**KEYS, "config_kwargs": CANARIES["secret key"]})
    ),
    "azure works": azure_works,
    "gcs works": gcs_works,
    "azure refuses": azure_refuses,
    "azure refuses a signature": azure_signed,
    "azure with half a string": _fixed(azure("", connection_string=f"AccountKey={HMAC}")),
    "azure with a key": _fixed(
        azure("", account_name="no-such.invalid", account_key=HMAC, account_host="no.invalid")
    ),
    "gcs with a file": gcs_with_a_file,
    "gcs with a dict": _fixed(("gs://bucket/p", {"token": ACCOUNT})),
    "gcs with text": _fixed(("gs://bucket/p", {"token": CANARIES["session token"]})),
    "ftp works": _on("ftp_server"),
    "ftp refuses the password": _on("ftp_server", **LOGIN),
    "ftp has no folder": _on("ftp_server", "/none"),
    "ftp is not there": _fixed((f"ftp://{services.HOST}:1/p", LOGIN)),
    "ftp with a password in the URL": _fixed(
        (f"ftp://{CANARIES['user']}:{CANARIES['endpoint password']}@{services.HOST}:1/p", {})
    ),
    "ftp with an unknown option": _fixed(
        (f"ftp://{services.HOST}:1/p", {**LOGIN, CANARIES["secret key"]: 1})
    ),
    "sftp works": _on("sftp_server"),
    "sftp refuses": _on("sftp_server", **LOGIN),
    "sftp is not there": _fixed(("sftp://h.invalid/p", {"password": CANARIES["password"]})),
    "sftp with an unknown option": _fixed(
        (f"sftp://{services.HOST}:1/p", {**LOGIN, "colour": CANARIES["secret key"]})
    ),
    "webdav works": _on("webdav_server"),
    "webdav refuses": _on("webdav_server", **LOGIN),
    "webdav is not there": _fixed(("webdav://p", {"base_url": CLOSED, **LOGIN})),
    "webdav has a signed address": _fixed(("webdav://p", {"base_url": SIGNED})),
    "webdav with an unknown option": _fixed(
        ("webdav://p", {"base_url": CLOSED, **LOGIN, "colour": CANARIES["secret key"]})
    ),
    "another protocol": _fixed(("smb://h/p", {"password": CANARIES["password"]})),
    "options that go nowhere": _fixed(("file:///tmp/x", {"password": CANARIES["password"]})),
}
