"""API key and CORS."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

KEY = "s3cret-k3y"
OPEN = ["/healthz", "/readyz", "/", "/assets/app.js", "/docs", "/docs/own/start.js", "/openapi.json"]
CLOSED = [
    "/v1/search?q=asma",
    "/v1/info",
    "/v1/codes/I10",
    "/metrics",
    "/fhir/metadata",
    "/assets",
    "/nothing",
]


@pytest.fixture(scope="module")
def closed(make_client: Any) -> TestClient:
    """Return a client of an app that needs a key."""
    client: TestClient = make_client(api_key=KEY, cors_origins=("https://emr.example.org",))
    return client


@pytest.mark.parametrize("path", OPEN)
def test_what_needs_no_key(closed: TestClient, path: str) -> None:
    assert closed.get(path).status_code == 200


@pytest.mark.parametrize("path", CLOSED)
def test_what_needs_a_key(closed: TestClient, path: str) -> None:
    response = closed.get(path)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert closed.get(path, headers={"X-API-Key": KEY}).status_code != 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-API-Key": KEY}, 200),
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": f"bearer  {KEY} "}, 200),
        ({"X-API-Key": KEY.upper()}, 401),
        ({"X-API-Key": KEY + "x"}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": "wrong", "Authorization": f"Bearer {KEY}"}, 401),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"X-API-Key": "ñ".encode("latin-1")}, 401),
    ],
)
def test_keys(closed: TestClient, headers: dict[str, Any], status: int) -> None:
    assert closed.get("/v1/info", headers=headers).status_code == status


def test_refusals_have_the_form_of_their_place(closed: TestClient) -> None:
    problem = closed.get("/v1/info")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["detail"].startswith("An API key is needed")
    outcome = closed.get("/fhir/metadata")
    assert outcome.headers["content-type"] == "application/fhir+json"
    assert outcome.json()["issue"][0]["code"] == "login"


def test_cors_only_for_given_origins(closed: TestClient, client: TestClient) -> None:
    asked = {"Origin": "https://emr.example.org", "Access-Control-Request-Method": "POST"}
    preflight = closed.options("/v1/search", headers={**asked, "Access-Control-Request-Headers": "X-API-Key"})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://emr.example.org"
    refused = closed.get("/v1/info", headers={"Origin": "https://emr.example.org"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://emr.example.org"
    other = closed.get("/v1/info", headers={"Origin": "https://evil.example.org", "X-API-Key": KEY})
    assert "access-control-allow-origin" not in other.headers
    plain = client.get("/v1/info", headers={"Origin": "https://emr.example.org"})
    assert "access-control-allow-origin" not in plain.headers
