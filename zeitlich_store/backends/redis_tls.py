"""What a failed TLS handshake means for the one who wrote the URL."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Final

OPENING: Final = (
    "opening the connection over TLS (a server that asks for client certificates may just close it "
    "where ssl_certfile= and ssl_keyfile= do not fit, and one without TLS does not answer)"
)
_ADVICE: Final = {
    "Hostname mismatch": (
        "the server's certificate is for another host: write the name or address it is for in the "
        "URL"
    ),
    "IP address mismatch": (
        "the server's certificate is for another host: write the name or address it is for in the "
        "URL"
    ),
    "CERTIFICATE_VERIFY_FAILED": (
        "the server's certificate is not trusted: name the file of its CA in the URL, "
        "ssl_ca_certs=/path/to/ca.pem"
    ),
    "WRONG_VERSION_NUMBER": "the server speaks no TLS there: its TLS port is another, see tls-port",
    "CERTIFICATE_REQUIRED": (
        "the server asks for a client certificate: ssl_certfile=… and ssl_keyfile=… in the URL"
    ),
    "UNKNOWN_CA": (
        "the server does not trust the client certificate: ssl_certfile has to be signed by a CA "
        "that the server knows"
    ),
    "KEY_VALUES_MISMATCH": "ssl_keyfile does not belong to ssl_certfile",
}


def tls_advice(causes: Sequence[BaseException]) -> str | None:
    """What to change in the URL, None where these exceptions are not about TLS."""
    for exc in causes:
        if isinstance(exc, ssl.SSLError):
            text = str(exc).replace("certificate required", "CERTIFICATE_REQUIRED")
            for sign, advice in _ADVICE.items():
                if sign.casefold() in text.casefold().replace("unknown ca", "unknown_ca"):
                    return advice
    return None
