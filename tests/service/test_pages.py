"""The static files of the page and of the view of the API."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import codisearch.service
from codisearch.service.pages import lowered

PAGE = Path(codisearch.service.__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def test_every_file_of_the_page(client: TestClient) -> None:
    files = [path for path in PAGE.rglob("*") if path.is_file()]
    assert files
    for path in files:
        response = client.get(f"/assets/{path.relative_to(PAGE)}")
        assert response.status_code == 200
        assert response.content == path.read_bytes()
        assert response.headers["content-security-policy"] == POLICY


def test_page(client: TestClient) -> None:
    response = client.get("/")
    assert response.content == (PAGE / "index.html").read_bytes()
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["cache-control"] == "no-cache"
    assert client.head("/").status_code == 200


def test_unchanged_files_are_not_sent_again(client: TestClient) -> None:
    tag = client.get("/").headers["etag"]
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 304
    assert client.get("/", headers={"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/app.py",
        "..%5capp.py",
        "....//app.py",
        "locales/../../app.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "none.js",
        "locales",
        "",
        "%00",
        "index.html%00.js",
        "x" * 5000,
    ],
)
def test_only_files_of_the_folder(client: TestClient, name: str) -> None:
    response = client.get(f"/assets/{name}")
    assert response.status_code == 404
    assert b"import" not in response.content


def test_view_of_the_api(client: TestClient) -> None:
    """Everything comes from this server, and no script is inline."""
    page = client.get("/docs")
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "http" not in page.text
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert client.get(f"/docs/assets/{name}").status_code == 200
    assert client.get("/docs/own/start.js").status_code == 200
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert client.get("/docs/openapi.json").json()["openapi"] == "3.0.3"


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        ),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        ({"examples": {"one": {"value": 1}}}, {"examples": {"one": {"value": 1}}}),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
    ],
)
def test_lowered(newer: dict[str, Any], older: dict[str, Any]) -> None:
    assert lowered({"openapi": "3.1.0", "a": [newer]}) == {"openapi": "3.0.3", "a": [older]}
