"""Which parameters a client may send: unknown ones are ignored, unless it asks for strict handling."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
ASKED: dict[str, dict[str, Any]] = {
    "/fhir/metadata": {},
    "/fhir/CodeSystem": {},
    "/fhir/CodeSystem/icd-10-cm": {},
    "/fhir/CodeSystem/$lookup": {"system": SYSTEM, "code": "I10"},
    "/fhir/CodeSystem/$validate-code": {"url": SYSTEM, "code": "I10"},
    "/fhir/CodeSystem/$subsumes": {"system": SYSTEM, "codeA": "I10", "codeB": "I10"},
    "/fhir/ValueSet/$validate-code": {"url": f"{SYSTEM}?fhir_vs", "system": SYSTEM, "code": "I10"},
    "/fhir/ValueSet/$expand": {"url": f"{SYSTEM}?fhir_vs=isa/E11"},
}
STANDARD = {
    "_format": "json",
    "_pretty": "true",
    "_summary": "false",
    "_elements": "url,name",
    "_count": "5",
    "includeDefinition": "true",
    "excludeNested": "false",
    "excludeNotForUI": "false",
    "excludePostCoordinated": "true",
    "abstract": "true",
    "date": "2026-04-01",
}


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("prefer", ["", "handling=strict"])
def test_standard_parameters_are_accepted(client: TestClient, path: str, prefer: str) -> None:
    response = client.get(path, params={**ASKED[path], **STANDARD}, headers={"Prefer": prefer})
    assert response.status_code == 200


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("prefer", ["", "handling=lenient", "return=minimal", "handling=strictly"])
def test_unknown_parameters_are_ignored(client: TestClient, path: str, prefer: str) -> None:
    """That holds for those that come more than once too."""
    asked = {**ASKED[path], "colour": ["red", "blue"]}
    assert client.get(path, params=asked, headers={"Prefer": prefer}).status_code == 200


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("prefer", ["handling=strict", "x, Handling=strict", 'handling="strict"'])
def test_unknown_parameters_are_refused_strictly(client: TestClient, path: str, prefer: str) -> None:
    asked = {**ASKED[path], "colour": "red"}
    response = client.get(path, params=asked, headers={"Prefer": prefer})
    (issue,) = response.json()["issue"]
    assert (response.status_code, issue["code"]) == (400, "not-supported")
    assert issue["diagnostics"].startswith("No such parameter: `colour`; ")


def test_posted_parameters(client: TestClient) -> None:
    """What is ignored may hold anything, such as a resource."""
    path = "/fhir/CodeSystem/$lookup"
    asked = [{"name": name, "valueString": value} for name, value in ASKED[path].items()]
    unknown = [{"name": "tx-resource", "resource": {"resourceType": "ValueSet"}}] * 2
    body = {"resourceType": "Parameters", "parameter": [*asked, *unknown]}
    assert client.post(path, json=body).status_code == 200
    strict = client.post(path, json=body, headers={"Prefer": "handling=strict"})
    assert (strict.status_code, strict.json()["issue"][0]["code"]) == (400, "not-supported")
    assert "`tx-resource`" in strict.json()["issue"][0]["diagnostics"]


def test_known_parameters_come_once(client: TestClient) -> None:
    response = client.get("/fhir/CodeSystem", params={"url": [SYSTEM, SYSTEM]})
    assert response.status_code == 400
    assert "`url` came more than once" in response.json()["issue"][0]["diagnostics"]
