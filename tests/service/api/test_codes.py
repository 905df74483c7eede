"""`/v1/codes/{code}` and `/v1/info`."""

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

import codisearch
from codisearch.retrieval.answers import CodeCard
from codisearch.retrieval.retriever import Retriever


@pytest.mark.parametrize("typed", ["R07.9", "r079", "R079"])
def test_card(client: TestClient, retriever: Retriever, typed: str) -> None:
    card = client.get(f"/v1/codes/{typed}", params={"language": "fr"}).json()
    assert (card["code"], card["title"], card["title_language"]) == (
        "R07.9",
        "Douleur thoracique, sans précision",
        "fr",
    )
    assert [above["code"] for above in card["path"]] == ["R07"]
    assert card["confusables"][0]["difference"] == "Pain in the throat is not chest pain."
    assert TypeAdapter(CodeCard).validate_python(card) == retriever.lookup("R07.9", "fr")


def test_unknown_code(client: TestClient) -> None:
    response = client.get("/v1/codes/E11.99")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    problem = response.json()
    assert "E11.99" in problem["detail"]
    assert problem["suggestions"][0] == {
        "code": "E11.9",
        "title": "Type 2 diabetes mellitus without complications",
        "billable": True,
    }


@pytest.mark.parametrize("typed", ["hello!", "%00", "E11.9%0aX", "%F0%9F%98%80", "x" * 3000])
def test_what_is_no_code(client: TestClient, typed: str) -> None:
    response = client.get(f"/v1/codes/{typed}")
    assert response.status_code == 422
    assert response.json()["detail"].startswith("Not an ICD-10-CM code")


def test_info(client: TestClient) -> None:
    info = client.get("/v1/info").json()
    assert (info["release"], info["codes"], info["version"]) == (
        "ICD-10-CM 2026-04",
        13,
        codisearch.__version__,
    )
    assert [language["tag"] for language in info["languages"]] == ["en", "es", "ca", "it", "pt", "fr"]
    assert info["limits"] == {
        "query_characters": 2000,
        "top": 100,
        "batch": 256,
        "body_bytes": 1_048_576,
        "timeout_seconds": 10.0,
    }
