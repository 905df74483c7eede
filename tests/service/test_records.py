"""The log and the identifiers of requests."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from codisearch.service.records import log_to

ALL = "http://hl7.org/fhir/sid/icd-10-cm?fhir_vs"
QUERY = "zzz pneumonia of patient Smith"
FHIR_EXPAND = "/fhir/ValueSet/$expand"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return what the process logs, as the command sets it up."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    log_to(logging.StreamHandler(written))
    for name in ("httpx", "httpx2", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # the test's own client
    yield written
    root.handlers[:] = before
    root.setLevel(level)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_one_line_for_each_request(client: TestClient, log: io.StringIO) -> None:
    client.get("/v1/codes/I10", headers={"X-Request-ID": "abc-1"})
    client.post("/v1/batch", json={"queries": [QUERY, "asma", ""]})
    client.get("/nothing/at/all")
    client.get("/assets/app.js")
    code, batch, nothing, asset = lines(log)
    assert (code["level"], code["method"], code["route"], code["status"]) == (
        "INFO",
        "GET",
        "/v1/codes/{code}",
        200,
    )
    assert (code["request_id"], code["queries"]) == ("abc-1", 0)
    assert code["time"].endswith("+00:00")
    assert code["milliseconds"] >= 0
    assert (batch["route"], batch["queries"]) == ("/v1/batch", 2)
    assert (nothing["route"], nothing["status"]) == ("none", 404)
    assert asset["route"] == "/assets"


def send_everywhere(client: TestClient) -> None:
    """Send a query through every route, well and badly formed, and to routes that there are not."""
    headers = {"Content-Type": "application/json"}
    address = "http://hl7.org/fhir/sid/icd-10-cm?fhir_vs"
    client.get("/v1/search", params={"q": QUERY})
    client.get("/v1/search", params={"q": QUERY, "top": 1000, "language": QUERY})
    client.get("/v1/search", params={QUERY: QUERY})
    client.get("/v1/suggest", params={"q": QUERY})
    client.get(f"/v1/codes/{QUERY}")
    client.get(f"/{QUERY}")
    client.get(f"/assets/{QUERY}")
    client.post("/v1/search", json={"query": QUERY})
    client.post("/v1/search", json={"query": [QUERY]})
    client.post("/v1/search", json={"query": "!" * 10 + QUERY, "under": QUERY})
    client.post("/v1/search", json={"query": "x", "chapter": QUERY})
    client.post("/v1/search", content=f'{{"query": "{QUERY}', headers=headers)
    client.post("/v1/search", content=QUERY.encode("utf-16"), headers=headers)
    client.post("/v1/batch", json={"queries": [QUERY, {"query": QUERY, "language": QUERY}]})
    client.post("/v1/suggest", json={"q": QUERY})
    client.get(FHIR_EXPAND, params={"url": address, "filter": QUERY})
    client.get("/fhir/CodeSystem/$lookup", params={"code": QUERY, "system": QUERY})
    client.request(QUERY.split()[1], "/v1/search", params={"q": QUERY})


def test_no_log_holds_a_query(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        send_everywhere(client)
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert len([record for record in ours if record.name == "codisearch.service"]) >= 18
    for word in ("pneumonia", "Smith"):
        assert not [record for record in ours if word in str(vars(record))]


def test_queries_are_logged_where_that_is_asked_for(make_client: Any, log: io.StringIO) -> None:
    make_client(log_queries=True).post("/v1/search", json={"query": QUERY})
    assert lines(log)[-1]["query_texts"] == [QUERY]


def test_nothing_breaks_or_forges_a_line(make_client: Any, log: io.StringIO) -> None:
    client = make_client(log_queries=True)
    forged = 'a\r\n{"level": "INFO", "status": 200}\x85\u2028'
    client.post("/v1/search", json={"query": forged})
    escapes = f"{forged}\x00\x1b[31m"
    client.get("/fhir/ValueSet/$expand", params={"url": ALL, "filter": escapes})
    texts = [line["query_texts"] for line in lines(log)]
    assert texts == [[" ".join(forged.split())], [escapes]]
    assert log.getvalue().isascii()
    assert len(log.getvalue().splitlines()) == 2


@pytest.mark.parametrize("came", ["", "a b", "a\tb", "x" * 65, "<script>", "é"])
def test_identifier_that_is_not_taken(client: TestClient, came: str) -> None:
    given = client.get("/healthz", headers={"X-Request-ID": came.encode("latin-1")}).headers["x-request-id"]
    assert len(given) == 32
    assert int(given, 16) >= 0


@pytest.mark.parametrize("came", ["abc", "0123-4567.89_a:b", "x" * 64])
def test_identifier_that_is_taken(client: TestClient, came: str) -> None:
    assert client.get("/nothing", headers={"X-Request-ID": came}).headers["x-request-id"] == came


def test_metrics(make_client: Any) -> None:
    client = make_client()
    client.post("/v1/batch", json={"queries": ["asma", "tos", ""]})
    client.get("/v1/codes/I10")
    client.get("/v1/codes/J45")
    client.request("BREW", "/v1/search")
    text = client.get("/metrics").text
    assert 'codisearch_requests_total{method="POST",route="/v1/batch",status="200"} 1.0' in text
    assert 'codisearch_requests_total{method="GET",route="/v1/codes/{code}",status="200"} 2.0' in text
    assert 'method="other"' in text
    assert "BREW" not in text
    assert "codisearch_queries_total 2.0" in text
    assert 'codisearch_request_seconds_count{route="/v1/codes/{code}"} 2.0' in text
    assert "codisearch_ready 1.0" in text
    assert "codisearch_waiting 0.0" in text
    assert 'release="ICD-10-CM 2026-04"' in text
    assert "process_resident_memory_bytes" in text


def test_metrics_of_two_apps_do_not_mix(make_client: Any) -> None:
    first, second = make_client(), make_client()
    first.post("/v1/search", json={"query": "asma"})
    assert "codisearch_queries_total 0.0" in second.get("/metrics").text
