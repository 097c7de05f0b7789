"""Servers that stand for Azure Blob Storage and Google Cloud Storage, as `services` starts them."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import threading
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .services import HOST, free_port, running, unavailable

ROOT = Path(__file__).parents[1]
AZURE_ACCOUNT = "devstoreaccount1"
# Azurite's own, known to everybody.
AZURE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass(frozen=True)
class AzureServer:
    """A running Azurite."""

    port: int

    @property
    def storage_options(self) -> dict[str, Any]:
        """Options for adlfs."""
        endpoint = f"http://{HOST}:{self.port}/{AZURE_ACCOUNT}"
        parts = {
            "DefaultEndpointsProtocol": "http",
            "AccountName": AZURE_ACCOUNT,
            "AccountKey": AZURE_KEY,
            "BlobEndpoint": endpoint,
        }
        return {"connection_string": ";".join(f"{name}={part}" for name, part in parts.items())}

    def new_bucket(self) -> str:
        """The name of a fresh container."""
        from azure.storage.blob import BlobServiceClient

        name = f"zs-{uuid.uuid4().hex[:16]}"
        text = self.storage_options["connection_string"]
        with BlobServiceClient.from_connection_string(text) as client:
            client.create_container(name)
        return name


def azurite() -> str | None:
    """azurite-blob in `.services`, where `make services` puts it, or on PATH."""
    own = ROOT / ".services" / "node_modules" / ".bin" / "azurite-blob"
    return str(own) if own.exists() else shutil.which("azurite-blob")


@contextmanager
def azure_server() -> Iterator[AzureServer]:
    """Azurite, which keeps Azure's conditions; in memory."""
    executable = azurite()
    if executable is None:
        unavailable("there is no Azurite: run `make services` (needs npm)")
    port = free_port()
    where = ["--blobHost", HOST, "--blobPort", str(port)]
    quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
    with running([str(executable), *where, *quiet], port, "Azurite"):
        yield AzureServer(port)


@dataclass(frozen=True)
class GcsServer:
    """A running server that speaks Google Cloud Storage's JSON interface."""

    port: int

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def storage_options(self) -> dict[str, Any]:
        """Options for gcsfs."""
        return {"endpoint_url": self.endpoint_url, "token": "anon", "project": "test"}

    def new_bucket(self) -> str:
        """The name of a fresh bucket."""
        name = f"zs-{uuid.uuid4().hex[:16]}"
        body = json.dumps({"name": name}).encode()
        head = {"Content-Type": "application/json"}
        url = f"{self.endpoint_url}/storage/v1/b?project=test"
        urllib.request.urlopen(urllib.request.Request(url, body, head), timeout=30).close()
        return name


@contextmanager
def gcs_server() -> Iterator[GcsServer]:
    """Our own server, which keeps preconditions."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("gcs_server.py")), str(port)]
    with running(command, port, "our GCS server"):
        yield GcsServer(port)


@contextmanager
def gcs_emulator() -> Iterator[GcsServer]:
    """The emulator from PyPI, which takes preconditions and ignores them."""
    if importlib.util.find_spec("gcp_storage_emulator") is None:
        unavailable("there is no GCS emulator: install gcp-storage-emulator")
    port = free_port()
    options = ["start", "--host", HOST, "--port", str(port), "--in-memory", "--quiet"]
    command = [sys.executable, "-m", "gcp_storage_emulator", *options]
    with running(command, port, "gcp-storage-emulator"):
        yield GcsServer(port)


@cache
def private_key() -> str:
    """A service account's key, made anew in each process."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def service_account(token_uri: str) -> dict[str, str]:
    """What a key file of Google's holds."""
    return {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": private_key(),
        "client_email": "a@b.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }


@contextmanager
def google_tokens(token: str) -> Iterator[tuple[str, list[str]]]:
    """Where Google's library gets an access token, and what it asked with."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            reply = {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
            body = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        # In a thread, since that library blocks the caller's loop.
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://{HOST}:{server.server_port}/token", asked
        server.shutdown()
        thread.join()
