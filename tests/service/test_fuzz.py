"""What nobody should send: each is refused with a reason, and the service answers on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON = {"Content-Type": "application/json"}
POSTS = ["/v1/search", "/v1/batch", "/v1/suggest", "/fhir/CodeSystem/$lookup", "/fhir/ValueSet/$expand"]
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"query=asma",
    "half of JSON": b'{"query": "as',
    "two": b'{"query": "a"}{"query": "b"}',
    "not UTF-8": b'{"query": "\xff\xfe"}',
    "NUL": b"\x00" * 100,
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"query":' * 100_000,
    "deep and closed": b'{"query":' + b"[" * 900 + b"]" * 900 + b"}",
    "a huge number": b'{"query": "a", "top": ' + b"9" * 5_000 + b"}",
    "a large number": b'{"query": "a", "top": ' + b"9" * 400 + b"}",
    "infinite": b'{"query": "a", "top": 1e999}',
    "NaN": b'{"query": "a", "precision": NaN}',
    "null": b"null",
    "a text": b'"asma"',
    "a list": b"[1, 2]",
    "another type": b'{"query": {"$ne": null}}',
    "100,000 characters": b'{"query": "' + b"a" * 100_000 + b'"}',
    "many fields": json.dumps({f"f{number}": number for number in range(20_000)}).encode(),
}


@pytest.fixture(autouse=True)
def _still_answers(client: TestClient) -> Iterator[None]:
    """After each test the service answers as before."""
    yield
    assert client.post("/v1/search", json={"query": "asma"}).status_code == 200


def check_refusal(response: Any) -> None:
    """Check that a request was refused with a reason on one line, in the form of its place."""
    assert 400 <= response.status_code < 500
    body = response.json()
    if response.headers["content-type"] == "application/fhir+json":
        detail = body["issue"][0]["diagnostics"]
    else:
        assert response.headers["content-type"] == "application/problem+json"
        detail = body["detail"]
    assert 10 < len(detail) < 1_500
    assert "\n" not in detail
    assert "Traceback" not in response.text


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_bodies(client: TestClient, path: str, body: bytes) -> None:
    check_refusal(client.post(path, content=body, headers=JSON))


@pytest.mark.parametrize("query", ["\ud800 asma", "\udfff", "\x00", "\x07\x1b", "\u200b", "🙂"])
def test_queries_without_text(client: TestClient, query: str) -> None:
    """Halves of characters, control characters and signs alone are no query."""
    check_refusal(client.post("/v1/search", content=json.dumps({"query": query}), headers=JSON))
    (answer,) = client.post("/v1/batch", content=json.dumps({"queries": [query]}), headers=JSON).json()[
        "answers"
    ]
    assert answer["error"]["status"] == 422


@pytest.mark.parametrize(
    "path",
    [
        "/v1/search",
        "/v1/search?q=" + "a" * 50_000,
        "/v1/search?q=a&q=b",
        "/v1/search?q=%00",
        "/v1/search?q=%ED%A0%80",
        "/v1/search?q=a&top=" + "9" * 5_000,
        "/v1/search?q=a&top=1e400",
        "/v1/search?q=a&" + "&".join(f"x{number}=1" for number in range(2_000)),
        "/v1/suggest?q=a&top=-1",
        "/v1/codes/" + "%2e%2e%2f" * 50,
        "/v1/codes/%00",
        "/v1/codes/" + "E" * 10_000,
        "/v1/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//v1/search?q=a",
        "/fhir/CodeSystem/" + "a" * 10_000,
        "/fhir/ValueSet/$expand?url=%00",
        "/fhir/CodeSystem/$lookup?code=%0d%0aX:y&system=%0d%0a",
    ],
    ids=lambda path: path[:40],
)
def test_addresses(client: TestClient, path: str) -> None:
    check_refusal(client.get(path))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"])
def test_methods(client: TestClient, method: str) -> None:
    response = client.request(method, "/v1/search", content=b"{}", headers=JSON)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    check_refusal(response)


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text(client: TestClient, text: str) -> None:
    """Any text is either searched or refused, the same by GET and POST."""
    posted = client.post("/v1/search", json={"query": text, "top": 1})
    got = client.get("/v1/search", params={"q": text, "top": 1})
    assert posted.status_code == got.status_code
    assert posted.status_code in {200, 422}
    assert posted.json() == got.json()
    assert client.post("/v1/suggest", json={"q": text}).status_code in {200, 422}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/search", '{"query": "a", "query": "b"}'),
        ("/v1/search", '{"query": "a", "top": 1, "top": 1}'),
        ("/v1/suggest", '{"q": "a", "q": "b"}'),
        ("/v1/batch", '{"queries": [{"query": "a", "query": "b"}]}'),
        ("/fhir/CodeSystem/$lookup", '{"resourceType": "Parameters", "resourceType": "Parameters"}'),
    ],
)
def test_name_that_stands_twice(client: TestClient, path: str, body: str) -> None:
    response = client.post(path, content=body, headers=JSON)
    check_refusal(response)
    assert response.status_code == 400
    assert "came more than once" in response.text
