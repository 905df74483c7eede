"""The app: what it answers while its bundle is loaded, afterwards, and if it cannot be loaded."""

import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from codisearch.retrieval.retriever import Retriever
from codisearch.service.app import create_app


class SlowStart:
    """A retriever whose start waits for a sign."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self.sign = threading.Event()

    def warm_up(self) -> None:
        self.sign.wait(10)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._retriever, name)


def test_not_ready_until_the_bundle_is_loaded(retriever: Retriever, wait_until_ready: Any) -> None:
    """The process answers at once; what needs the bundle says 503 with Retry-After until it is there."""
    slow = SlowStart(retriever)
    with TestClient(create_app(slow)) as client:  # type: ignore[arg-type]
        assert client.get("/healthz").json() == {"status": "ok"}
        for path in ("/readyz", "/v1/search?q=asma", "/v1/info", "/v1/codes/I10"):
            response = client.get(path)
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            assert "is being loaded" in response.json()["detail"]
        outcome = client.get("/fhir/metadata")
        assert (outcome.status_code, outcome.json()["issue"][0]["code"]) == (503, "transient")
        slow.sign.set()
        wait_until_ready(client.app)
        assert client.get("/readyz").json() == {"status": "ready"}
        assert client.get("/v1/search?q=asma").status_code == 200


def test_bundle_that_cannot_be_loaded(tmp_path: Path, wait_until_ready: Any) -> None:
    with TestClient(create_app(tmp_path)) as client:
        wait_until_ready(client.app)
        response = client.get("/readyz")
        assert response.status_code == 503
        assert "No bundle at" in response.json()["detail"]
        assert client.get("/healthz").status_code == 200


def test_app_loads_the_bundle_itself(service_bundle: Path, wait_until_ready: Any) -> None:
    with TestClient(create_app(str(service_bundle))) as client:
        wait_until_ready(client.app)
        assert client.get("/readyz").status_code == 200


def test_app_that_is_started_again(retriever: Retriever, wait_until_ready: Any) -> None:
    """An app that was stopped can be started again, with new workers."""
    app = create_app(retriever)
    for _ in range(2):
        with TestClient(app) as client:
            wait_until_ready(app)
            assert client.get("/v1/search?q=asma").status_code == 200


def test_failure_tells_nothing(
    make_client: Any, retriever: Retriever, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of the program is a plain problem; the log has its kind and place, not its message."""

    class Broken(SlowStart):
        def warm_up(self) -> None:
            pass

        def search_many(self, queries: list[str], **_: Any) -> None:
            raise ZeroDivisionError(f"secret {queries}")

    client = make_client(Broken(retriever))
    with caplog.at_level("INFO"):
        response = client.post("/v1/search", json={"query": "asma"}, headers={"X-Request-ID": "abc"})
    assert response.status_code == 500
    assert (
        response.json()["detail"] == "The service failed to answer. The log holds the cause, by X-Request-ID."
    )
    assert response.headers["x-request-id"] == "abc"
    (failure,) = [record for record in caplog.records if record.message == "failure"]
    assert failure.cause.startswith("ZeroDivisionError < search_many")
    assert failure.request_id == "abc"
    assert "secret" not in caplog.text + failure.cause
    assert client.get("/v1/codes/I10").status_code == 200


def test_missing_and_wrong_routes(client: TestClient) -> None:
    missing = client.get("/v2/search")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    wrong = client.delete("/v1/search")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, POST")
    assert wrong.json()["detail"] == "Allowed here: GET, POST."


def test_headers_of_answers(client: TestClient) -> None:
    for path in ("/v1/search?q=asma", "/v1/nothing", "/healthz", "/fhir/metadata"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
def test_head(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.headers["content-type"]) == (200, got.headers["content-type"])
    refused = client.delete(path)
    assert refused.status_code == 405
    assert "HEAD" in refused.headers["allow"]
