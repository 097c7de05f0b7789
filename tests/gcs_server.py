"""A small Google Cloud Storage server that keeps preconditions, for the tests.

No emulator that can be installed from PyPI does. It holds objects in memory and knows what the
library sends: media downloads with ranges, multipart uploads, deletes, listings, bucket creation.

    python tests/gcs_server.py PORT
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from email.parser import BytesParser
from itertools import count
from typing import Any

from aiohttp import web

_generations = count(1_700_000_000_000_000)
Buckets = dict[str, dict[str, dict[str, Any]]]
BUCKETS = web.AppKey("buckets", Buckets)


def error(status: int, text: str) -> web.Response:
    body = {"error": {"code": status, "message": text, "errors": [{"message": text}]}}
    return web.json_response(body, status=status)


def bucket_of(request: web.Request) -> dict[str, dict[str, Any]]:
    bucket = request.app[BUCKETS].get(request.match_info["bucket"])
    if bucket is None:
        found = error(404, "The specified bucket does not exist.")
        raise web.HTTPNotFound(text=found.text, content_type="application/json")
    return bucket


def refused(request: web.Request, found: dict[str, Any] | None) -> bool:
    """Whether the request's precondition does not hold."""
    wanted = request.query.get("ifGenerationMatch")
    return wanted is not None and wanted != (found["generation"] if found else "0")


def resource(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "data"}


async def make_bucket(request: web.Request) -> web.Response:
    name = (await request.json())["name"]
    request.app[BUCKETS].setdefault(name, {})
    return web.json_response({"name": name})


async def upload(request: web.Request) -> web.Response:
    bucket = bucket_of(request)
    kind = request.headers["Content-Type"]
    whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + await request.read()
    meta, content = BytesParser().parsebytes(whole).get_payload()
    mark = kind.partition('boundary="')[2].rstrip('"').encode()
    # The parser changes line ends: the bytes are cut out by hand.
    data = whole.split(b"--" + mark)[2].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
    name = json.loads(meta.get_payload())["name"]
    if refused(request, bucket.get(name)):
        return error(412, "At least one of the pre-conditions you specified did not hold.")
    now = datetime.now(UTC).isoformat()
    bucket[name] = {
        "name": name,
        "generation": str(next(_generations)),
        "size": str(len(data)),
        "contentType": content.get_content_type(),
        "updated": now,
        "data": data,
    }
    return web.json_response(resource(bucket[name]))


async def read(request: web.Request) -> web.Response:
    found = bucket_of(request).get(request.match_info["name"])
    if found is None:
        return error(404, "No such object.")
    if request.query.get("alt") != "media":
        return web.json_response(resource(found))
    headers = {"x-goog-generation": found["generation"]}
    span = request.http_range
    if span.start is None and span.stop is None:
        return web.Response(body=found["data"], headers=headers)
    if span.start >= len(found["data"]):
        return error(416, "Requested range not satisfiable")
    return web.Response(status=206, body=found["data"][span], headers=headers)


async def delete(request: web.Request) -> web.Response:
    bucket, name = bucket_of(request), request.match_info["name"]
    if name not in bucket:
        return error(404, "No such object.")
    if refused(request, bucket[name]):
        return error(412, "At least one of the pre-conditions you specified did not hold.")
    del bucket[name]
    return web.Response(status=204)


async def listing(request: web.Request) -> web.Response:
    query, most = request.query, int(request.query.get("maxResults", "1000"))
    start = query.get("pageToken") or query.get("startOffset") or ""
    names = sorted(n for n in bucket_of(request) if n.startswith(query.get("prefix", "")))
    names = [name for name in names if name >= start]
    page = {"items": [resource(bucket_of(request)[name]) for name in names[:most]]}
    following = {"nextPageToken": names[most]} if len(names) > most else {}
    return web.json_response(page | following)


def app() -> web.Application:
    made = web.Application(client_max_size=1 << 30)
    made[BUCKETS] = {}
    made.add_routes(
        [
            web.post("/storage/v1/b", make_bucket),
            web.post("/upload/storage/v1/b/{bucket}/o", upload),
            web.get("/storage/v1/b/{bucket}/o", listing),
            web.get("/storage/v1/b/{bucket}/o/{name:.+}", read),
            web.delete("/storage/v1/b/{bucket}/o/{name:.+}", delete),
        ]
    )
    return made


if __name__ == "__main__":
    web.run_app(app(), host="127.0.0.1", port=int(sys.argv[1]), print=None)
