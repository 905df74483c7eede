"""Expansions of the value sets that the code system implies."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.valueset import ValueSet

from codisearch.retrieval.retriever import Retriever
from codisearch.service.fhir import value_set

SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
EXPAND = "/fhir/ValueSet/$expand"
VALIDATE = "/fhir/ValueSet/$validate-code"
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


@pytest.mark.parametrize(
    ("typed", "language", "codes"),
    [
        ("diab", "en", ["E10.9", "E11.9", "E11.21", "E11.22", "E11", "E11.2", "E10"]),
        ("hipert", "es", ["I10"]),
        ("HIPERT esen", "es", ["I10"]),
        ("thro", "en", ["R07.0", "R07"]),
        ("douleur sans", "fr", ["R07.9"]),
    ],
)
def test_completions_come_first(client: TestClient, typed: str, language: str, codes: list[str]) -> None:
    """Then what is found by meaning, each code once; pages are parts of one list, whose length is told."""
    asked = {"url": ALL, "filter": typed, "displayLanguage": language}
    expansion = expand(client, **asked)
    found = codes_of(expansion)
    assert set(found[: len(codes)]) == set(codes)
    assert len(found) == len(set(found)) == expansion["total"] == 13
    pages = [expand(client, **asked, count=4, offset=offset) for offset in range(0, 16, 4)]
    assert [code for page in pages for code in codes_of(page)] == found
    assert {page["total"] for page in pages} == {13}


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("thr", {"R07.0", "R07"}),
        ("ess", {"I10"}),
        ("DM2", {"E11.9"}),
        ("E11", set(E11)),
        ("I1", {"I10"}),
        ("zzz", set()),
    ],
)
def test_short_word_has_completions_alone(client: TestClient, typed: str, codes: set[str]) -> None:
    expansion = expand(client, url=ALL, filter=typed)
    assert set(codes_of(expansion)) == codes
    assert expansion["total"] == len(codes)


def test_completions_below_a_code(
    client: TestClient, retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are found too if the first suggestions of all are elsewhere."""
    monkeypatch.setattr(retriever, "suggest", lambda *_: [])
    assert codes_of(expand(client, url=f"{ALL}=isa/E11", filter="kid")) == ["E11.2", "E11.22"]
    assert codes_of(expand(client, url=f"{ALL}=isa/J45", filter="kid")) == []


def test_language_of_the_header(client: TestClient) -> None:
    asked = {"url": f"{ALL}=isa/I10"}
    response = client.get(EXPAND, params=asked, headers={"Accept-Language": "es-ES,en;q=0.5"})
    (entry,) = expansion_of(response)["contains"]
    assert entry["display"] == "Hipertensión esencial (primaria)"


@pytest.mark.parametrize(
    ("root", "asked", "result"),
    [
        ("", {"code": "I10"}, True),
        ("=isa/E11", {"code": "e1121"}, True),
        ("=isa/E11", {"code": "E11", "display": "type 2 diabetes mellitus"}, True),
        ("=isa/E11", {"code": "E11", "display": "asthma"}, False),
        ("=isa/E11.2", {"code": "E11"}, False),
        ("=isa/E11", {"code": "I10"}, False),
        ("=isa/E11", {"code": "I11"}, False),
    ],
)
def test_validate_code(client: TestClient, root: str, asked: dict[str, str], result: bool) -> None:
    coding = {"name": "coding", "valueCoding": {"system": SYSTEM, **asked}}
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "url", "valueUri": f"{ALL}{root}"}, coding],
    }
    got = client.get(VALIDATE, params={"url": f"{ALL}{root}", "system": SYSTEM, **asked})
    for response in (got, client.post(VALIDATE, json=body)):
        assert response.status_code == 200
        values = {part["name"]: part for part in response.json()["parameter"]}
        assert values["result"]["valueBoolean"] is result
        assert ("message" in values) is not result


@pytest.mark.parametrize("path", [EXPAND, VALIDATE])
@pytest.mark.parametrize(("version", "status"), [("2026-04", 200), ("2020", 404)])
def test_version_of_a_value_set(client: TestClient, path: str, version: str, status: int) -> None:
    """It is that of the code system that implies the value set; another one is not served."""
    asked = {"url": f"{ALL}=isa/E11", "valueSetVersion": version}
    if path == VALIDATE:
        asked |= {"system": SYSTEM, "code": "E11"}
    response = client.get(path, params=asked, headers={"Prefer": "handling=strict"})
    assert response.status_code == status
    if status == 404:
        assert response.json()["issue"][0]["diagnostics"] == "Unknown version '2020'; served is '2026-04'."


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"url": "http://loinc.org/vs", "system": SYSTEM, "code": "I10"}, 404),
        ({"url": f"{ALL}=isa/E12", "system": SYSTEM, "code": "I10"}, 404),
        ({"url": ALL, "system": "http://loinc.org", "code": "I10"}, 404),
        ({"url": ALL, "code": "I10"}, 400),
        ({"system": SYSTEM, "code": "I10"}, 400),
    ],
)
def test_validation_that_cannot_be(client: TestClient, asked: dict[str, str], status: int) -> None:
    response = client.get(VALIDATE, params=asked)
    OperationOutcome.model_validate(response.json())
    assert response.status_code == status


def test_filter_by_letters_then_by_meaning(client: TestClient) -> None:
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
        ({"url": ALL, "filter": "a\x00"}, 400, "invalid"),
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
