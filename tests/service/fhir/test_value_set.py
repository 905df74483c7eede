"""Expansions of the value sets that the code system implies."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.valueset import ValueSet

from codisearch.service.fhir import value_set

SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
EXPAND = "/fhir/ValueSet/$expand"
ALL = f"{SYSTEM}?fhir_vs"
E11 = ["E11", "E11.2", "E11.21", "E11.22", "E11.9"]


def expansion_of(response: Any) -> dict[str, Any]:
    assert (response.status_code, response.headers["content-type"]) == (200, "application/fhir+json")
    ValueSet.model_validate(response.json())
    expansion: dict[str, Any] = response.json()["expansion"]
    return expansion


def expand(client: TestClient, **asked: Any) -> dict[str, Any]:
    return expansion_of(client.get(EXPAND, params=asked))


def codes_of(expansion: dict[str, Any]) -> list[str]:
    return [entry["code"] for entry in expansion.get("contains", [])]


@pytest.mark.parametrize("root", ["E11", "e11"])
def test_codes_below_one(client: TestClient, root: str) -> None:
    expansion = expand(client, url=f"{ALL}=isa/{root}")
    assert (codes_of(expansion), expansion["total"]) == (E11, 5)
    assert expansion["contains"][0] == {
        "system": SYSTEM,
        "version": "2026-04",
        "code": "E11",
        "display": "Type 2 diabetes mellitus",
    }


def test_all_codes_page_by_page(client: TestClient) -> None:
    pages = [expand(client, url=ALL, count=5, offset=offset) for offset in (0, 5, 10, 15)]
    assert [len(codes_of(page)) for page in pages] == [5, 5, 3, 0]
    assert {page["total"] for page in pages} == {13}
    together = [code for page in pages for code in codes_of(page)]
    assert together == codes_of(expand(client, url=ALL)) == sorted(together)
    assert codes_of(expand(client, url=ALL, count=0)) == []


def test_filter_by_meaning_then_by_letters(client: TestClient) -> None:
    expansion = expand(client, url=ALL, filter="high blood pressure", count=3)
    assert codes_of(expansion)[0] == "I10"
    assert {"name": "filter", "valueString": "high blood pressure"} in expansion["parameter"]
    below = expand(client, url=f"{ALL}=isa/E11", filter="high blood pressure")
    assert set(codes_of(below)) == set(E11)


def test_filter_that_begins_a_code(client: TestClient) -> None:
    assert codes_of(expand(client, url=ALL, filter="e11.2"))[:3] == ["E11.2", "E11.21", "E11.22"]
    assert codes_of(expand(client, url=f"{ALL}=isa/E11", filter="E1"))[:5] == E11


def test_language_and_designations(client: TestClient) -> None:
    asked = {"url": f"{ALL}=isa/I10", "displayLanguage": "es-MX", "includeDesignations": "true"}
    (entry,) = expand(client, **asked)["contains"]
    assert entry["display"] == "Hipertensión esencial (primaria)"
    assert [(found["language"], found["value"]) for found in entry["designation"]] == [
        ("en", "Essential (primary) hypertension"),
        ("es", "Hipertensión esencial (primaria)"),
        ("en", "High blood pressure"),
    ]


def test_parameters_are_echoed(client: TestClient) -> None:
    expansion = expand(client, url=ALL, count=2, offset=1, displayLanguage="fr", activeOnly=True)
    assert expansion["offset"] == 1
    assert expansion["parameter"] == [
        {"name": "version", "valueUri": f"{SYSTEM}|2026-04"},
        {"name": "count", "valueInteger": 2},
        {"name": "offset", "valueInteger": 1},
        {"name": "displayLanguage", "valueCode": "fr"},
        {"name": "includeDesignations", "valueBoolean": False},
        {"name": "activeOnly", "valueBoolean": True},
    ]


def test_posted_parameters(client: TestClient) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "url", "valueUri": f"{ALL}=isa/E11"}, {"name": "count", "valueInteger": 2}],
    }
    assert codes_of(expansion_of(client.post(EXPAND, json=body))) == ["E11", "E11.2"]


@pytest.mark.parametrize(
    ("asked", "status", "issue"),
    [
        ({"url": "http://loinc.org/vs"}, 404, "not-found"),
        ({"url": f"{ALL}=isa/"}, 404, "not-found"),
        ({"url": f"{ALL}=refset"}, 404, "not-found"),
        ({"url": f"{ALL}=isa/E12"}, 404, "not-found"),
        ({"url": f"{ALL}=isa/no code"}, 400, "invalid"),
        ({}, 400, "invalid"),
        ({"url": ALL, "count": -1}, 400, "invalid"),
        ({"url": ALL, "offset": "x"}, 400, "invalid"),
        ({"url": ALL, "filter": "?!"}, 400, "invalid"),
        ({"url": ALL, "filter": "x" * 2001}, 400, "invalid"),
        ({"url": ALL, "context": "x"}, 400, "not-supported"),
    ],
)
def test_expansion_that_cannot_be(client: TestClient, asked: dict[str, Any], status: int, issue: str) -> None:
    response = client.get(EXPAND, params=asked)
    OperationOutcome.model_validate(response.json())
    assert (response.status_code, response.json()["issue"][0]["code"]) == (status, issue)


def test_too_large_to_be_returned_at_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_set, "MAX_EXPANSION", 4)
    response = client.get(EXPAND, params={"url": ALL})
    assert (response.status_code, response.json()["issue"][0]["code"]) == (422, "too-costly")
    assert "has 13 codes; at most 4" in response.json()["issue"][0]["diagnostics"]
    assert len(codes_of(expand(client, url=ALL, count=100))) == 4
    assert len(codes_of(expand(client, url=ALL, offset=10))) == 3
