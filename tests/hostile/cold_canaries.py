"""Cold tiers full of canaries: some work, most fail in a way of their own."""

import asyncio
import contextlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .. import services
from ..cloud_services import AZURE_KEY
from ..cold.test_never_absent import answering
from .canaries import CANARIES

KEYS = {
    "key": CANARIES["access key id"],
    "secret": CANARIES["secret key"],
    "token": CANARIES["session token"],
}
QUICK = {"retries": {"max_attempts": 1}, "connect_timeout": 1, "read_timeout": 0.3}
PRIVATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
CANARIES["private key of an account"] = PEM.splitlines()[5]
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


@contextlib.contextmanager
def tokens():
    """Where Google's library gets an access token: a server in a thread, since it blocks."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            reply = {"access_token": CANARIES["session token"], "expires_in": 3600}
            body = json.dumps({**reply, "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer((services.HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{services.HOST}:{server.server_port}/token"
        server.shutdown()


@contextlib.asynccontextmanager
async def gcs_works(request):
    server = request.getfixturevalue("gcs_server")
    with tokens() as url:
        account = {**ACCOUNT, "private_key": PEM, "token_uri": url}
        options = {"endpoint_url": server.endpoint_url, "token": account, "project": "p"}
        yield f"gs://{request.getfixturevalue('bucket_of')(server)}/p", options


@contextlib.asynccontextmanager
async def gcs_with_a_file(request):
    file = request.getfixturevalue("tmp_path") / "account.json"
    file.write_text(json.dumps(ACCOUNT))
    yield "gs://bucket/p", {"token": str(file)}


@contextlib.asynccontextmanager
async def sftp_works(request):
    server = request.getfixturevalue("sftp_server")
    yield server.url(secrets.token_hex(8)), server.storage_options


@contextlib.asynccontextmanager
async def sftp_refuses(request):
    server = request.getfixturevalue("sftp_server")
    yield server.url(secrets.token_hex(8)), {**server.storage_options, **LOGIN}


@contextlib.asynccontextmanager
async def webdav_works(request):
    server = request.getfixturevalue("webdav_server")
    yield server.url(secrets.token_hex(8)), server.storage_options


@contextlib.asynccontextmanager
async def webdav_refuses(request):
    server = request.getfixturevalue("webdav_server")
    yield server.url(secrets.token_hex(8)), {**server.storage_options, **LOGIN}


LOGIN = {"username": CANARIES["user"], "password": CANARIES["password"]}
CLOSED = f"http://{services.HOST}:1"
NOWHERE = "http://no-such-host.invalid:9"
SIGNED = f"http://{CANARIES['user']}:{CANARIES['endpoint password']}@{services.HOST}:1/{SAS}"
ACCOUNT = {
    "type": "service_account",
    "project_id": "p",
    "private_key_id": "1",
    "private_key": CANARIES["private key"],
    "client_email": "a@b.iam.gserviceaccount.com",
    "token_uri": f"{CLOSED}/token",
}
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
    "sftp works": sftp_works,
    "sftp refuses": sftp_refuses,
    "sftp is not there": _fixed(("sftp://h.invalid/p", {"password": CANARIES["password"]})),
    "sftp with an unknown option": _fixed(
        (f"sftp://{services.HOST}:1/p", {**LOGIN, "colour": CANARIES["secret key"]})
    ),
    "webdav works": webdav_works,
    "webdav refuses": webdav_refuses,
    "webdav is not there": _fixed(("webdav://p", {"base_url": CLOSED, **LOGIN})),
    "webdav has a signed address": _fixed(("webdav://p", {"base_url": SIGNED})),
    "webdav with an unknown option": _fixed(
        ("webdav://p", {"base_url": CLOSED, **LOGIN, "colour": CANARIES["secret key"]})
    ),
    "another protocol": _fixed(("smb://h/p", {"password": CANARIES["password"]})),
    "options that go nowhere": _fixed(("file:///tmp/x", {"password": CANARIES["password"]})),
}
