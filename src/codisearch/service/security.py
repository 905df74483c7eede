"""Who may ask, and the headers that keep answers safe in a browser."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import Scope

from codisearch.service.problems import Problem

OPEN_PATHS: Final = ("/healthz", "/readyz", "/", "/openapi.json", "/docs")
OPEN_FOLDERS: Final = ("/assets/", "/docs/")
"""What needs no key: checks of health, and files that are the same in every installation."""

API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final[dict[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": API_POLICY,
}
"""Headers of every answer that does not set its own."""

Check = Callable[[Scope], Problem | None]


def key_check(key: SecretStr) -> Check:
    """Return the check that a request carries the API key, in constant time."""
    wanted = _digest(key.get_secret_value().encode())

    def check(scope: Scope) -> Problem | None:
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(OPEN_FOLDERS):
            return None
        if hmac.compare_digest(_digest(_key_of(Headers(scope=scope))), wanted):
            return None
        detail = "An API key is needed, in the header X-API-Key or as Authorization: Bearer."
        return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})

    return check


def _digest(key: bytes) -> bytes:
    """Return a digest, so that keys of any length and bytes compare in the same time."""
    return hashlib.sha256(key).digest()


def _key_of(headers: Headers) -> bytes:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return headers.get("x-api-key", bearer).encode("latin-1")  # as HTTP headers are decoded
