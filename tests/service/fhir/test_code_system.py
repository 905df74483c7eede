"""The code system: its resource, $lookup and $validate-code."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.codesystem import CodeSystem
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.parameters import Parameters

SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
FHIR = "application/fhir+json"
LOOKUP = "/fhir/CodeSystem/$lookup"
VALIDATE = "/fhir/CodeSystem/$validate-code"
SUBSUMES = "/fhir/CodeSystem/$subsumes"
I10 = "Essential (primary) hypertension"
SPANISH = "Hipertensión esencial (primaria)"


def parts_of(resource: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the values of the parts of every parameter of a name, by the part's name."""
    Parameters.model_validate(resource)
    return [
        {part["name"]: next(value for key, value in part.items() if key != "name") for part in found["part"]}
        for found in resource["parameter"]
        if found["name"] == name
    ]


def values_of(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the parameters that have no parts."""
    Parameters.model_validate(resource)
    return {
        found["name"]: next(value for key, value in found.items() if key != "name")
        for found in resource["parameter"]
        if "part" not in found
    }


def outcome_of(response: Any) -> tuple[int, str, str]:
    """Return status, issue type and what is said of an error."""
    assert response.headers["content-type"] == FHIR
    OperationOutcome.model_validate(response.json())
    (issue,) = response.json()["issue"]
    return response.status_code, issue["code"], issue["diagnostics"]


def posted(name: str, value: object, *more: dict[str, Any]) -> dict[str, Any]:
    kind = "valueCoding" if isinstance(value, dict) else "valueUri"
    return {"resourceType": "Parameters", "parameter": [{"name": name, kind: value}, *more]}


def test_lookup(client: TestClient) -> None:
    response = client.get(LOOKUP, params={"system": SYSTEM, "code": "e1121"})
    assert (response.status_code, response.headers["content-type"]) == (200, FHIR)
    assert values_of(response.json()) == {
        "name": "ICD-10-CM",
        "version": "2026-04",
        "display": "Type 2 diabetes mellitus with diabetic nephropathy",
    }
    assert parts_of(response.json(), "property") == [
        {"code": "parent", "value": "E11.2"},
        {"code": "billable", "value": True},
        {"code": "chapter", "value": "E"},
    ]


def test_lookup_of_a_category(client: TestClient) -> None:
    """A category has children and no parent, and its inclusion terms are synonyms."""
    resource = client.get(LOOKUP, params={"system": SYSTEM, "code": "E11"}).json()
    properties = [(found["code"], found["value"]) for found in parts_of(resource, "property")]
    assert properties == [("child", "E11.2"), ("child", "E11.9"), ("billable", False), ("chapter", "E")]
    synonym = parts_of(resource, "designation")[-1]
    assert (synonym["value"], synonym["use"]["display"]) == ("Diabetes due to insulin resistance", "Synonym")


@pytest.mark.parametrize("tag", ["es", "es-ES", "ES"])
def test_lookup_in_a_language(client: TestClient, tag: str) -> None:
    asked = {"system": SYSTEM, "code": "I10", "displayLanguage": tag, "property": "designation"}
    resource = client.get(LOOKUP, params=asked).json()
    assert values_of(resource)["display"] == "Hipertensión esencial (primaria)"
    found = [(one["language"], one["value"]) for one in parts_of(resource, "designation")]
    assert found == [("en", I10), ("es", "Hipertensión esencial (primaria)"), ("en", "High blood pressure")]
    assert parts_of(resource, "property") == []


@pytest.mark.parametrize(
    ("names", "tags"),
    [
        (["lang.es"], ["es"]),
        (["lang.ES-mx", "lang.en"], ["en", "es", "en"]),
        (["lang.de"], []),
        (["lang.de", "designation"], ["en", "es", "en"]),
        (["definition"], []),
    ],
)
def test_lookup_of_designations(client: TestClient, names: list[str], tags: list[str]) -> None:
    """Titles in one language can be asked for; there are no definitions."""
    response = client.get(LOOKUP, params={"system": SYSTEM, "code": "I10", "property": names})
    assert response.status_code == 200
    assert [one["language"] for one in parts_of(response.json(), "designation")] == tags
    assert parts_of(response.json(), "property") == []


def test_lookup_of_the_address(client: TestClient) -> None:
    asked = {"system": SYSTEM, "code": "I10", "property": ["url", "name"]}
    resource = client.get(LOOKUP, params=asked).json()
    assert parts_of(resource, "property") == [{"code": "url", "value": SYSTEM}]


def test_language_without_titles(client: TestClient) -> None:
    asked = {"system": SYSTEM, "code": "I10", "displayLanguage": "de"}
    assert values_of(client.get(LOOKUP, params=asked).json())["display"] == I10


def test_lookup_of_a_coding(client: TestClient) -> None:
    coding = {"system": SYSTEM, "code": "E11", "version": "2026-04"}
    names = [{"name": "property", "valueCode": name} for name in ("child", "billable")]
    response = client.post(LOOKUP, json=posted("coding", coding, *names), headers={"Content-Type": FHIR})
    found = [one["code"] for one in parts_of(response.json(), "property")]
    assert found == ["child", "child", "billable"]


@pytest.mark.parametrize(
    ("asked", "status", "issue", "said"),
    [
        ({"system": SYSTEM, "code": "E11.99"}, 404, "not-found", "no code E11.99"),
        ({"system": SYSTEM, "code": "no code"}, 400, "invalid", "Not an ICD-10-CM code"),
        ({"system": "http://snomed.info/sct", "code": "I10"}, 404, "not-found", f"served is {SYSTEM}"),
        ({"system": SYSTEM, "code": "I10", "version": "2020"}, 404, "not-found", "served is '2026-04'"),
        ({"code": "I10"}, 400, "invalid", "The code system is missing"),
        ({"system": SYSTEM}, 400, "invalid", "`code`: field required"),
        ({"system": SYSTEM, "code": ""}, 400, "invalid", "`code`"),
        ({"system": SYSTEM, "code": "I10", "property": "x"}, 400, "not-supported", "allowed are billable"),
        ({"system": SYSTEM, "code": "I10", "property": "lang."}, 400, "not-supported", "lang.es and"),
        ({"system": SYSTEM, "code": "I10", "_format": "xml"}, 406, "not-supported", "Only JSON"),
        ({"system": SYSTEM, "code": ["I10", "E11"]}, 400, "invalid", "`code` came more than once"),
    ],
)
def test_lookup_that_cannot_be(
    client: TestClient, asked: dict[str, Any], status: int, issue: str, said: str
) -> None:
    found = outcome_of(client.get(LOOKUP, params=asked))
    assert found[:2] == (status, issue)
    assert said in found[2]


def test_nearest_codes_are_named(client: TestClient) -> None:
    said = outcome_of(client.get(LOOKUP, params={"system": SYSTEM, "code": "E11.99"}))[2]
    assert "E11.9 Type 2 diabetes mellitus without complications" in said


@pytest.mark.parametrize("kind", ["application/fhir+json", "application/json", "*/*", "text/html, */*;q=0.1"])
def test_accepted_kinds(client: TestClient, kind: str) -> None:
    assert client.get("/fhir/metadata?_format=json", headers={"Accept": kind}).status_code == 200
    assert client.get("/fhir/metadata?_format=application/fhir%2Bjson").status_code == 200
    assert client.get("/fhir/metadata", headers={"Accept": "application/fhir+xml"}).status_code == 406


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "`body`"),
        ({}, "`resourceType`: field required"),
        ({"resourceType": "Bundle"}, "'Parameters'"),
        ({"resourceType": "Parameters", "parameter": {}}, "`parameter`"),
        ({"resourceType": "Parameters", "parameter": [{"name": "code"}]}, "one value[x], came 0"),
        (posted("coding", {"system": SYSTEM}), "`code`: field required"),
        (posted("coding", SYSTEM), "`coding` must be an object"),
        (posted("codeableConcept", {"coding": []}), "must hold one coding"),
        (posted("system", SYSTEM, {"name": "system", "valueUri": SYSTEM}), "`system` came more than once"),
        (posted("colour", "red"), "`code`: field required"),
        (posted("code", {"a": 1}), "`code`: input should be a valid string"),
    ],
)
def test_parameters_that_cannot_be_read(client: TestClient, body: Any, said: str) -> None:
    for path in (LOOKUP, VALIDATE):
        status, _, found = outcome_of(client.post(path, json=body))
        assert status == 400
        assert said in found


@pytest.mark.parametrize(
    ("asked", "result"),
    [
        ({"code": "I10"}, True),
        ({"code": "i10", "display": "essential (PRIMARY)  hypertension"}, True),
        ({"code": "I10", "display": "High blood pressure"}, True),
        ({"code": "I10", "display": "Hipertensión esencial (primaria)"}, True),
        ({"code": "I10", "display": "Asthma"}, False),
        ({"code": "I11"}, False),
        ({"code": "no code"}, False),
    ],
)
def test_validate_code(client: TestClient, asked: dict[str, str], result: bool) -> None:
    got = client.get(VALIDATE, params={"url": SYSTEM, **asked})
    coding = {"system": SYSTEM, **asked}
    for response in (got, client.post(VALIDATE, json=posted("coding", coding))):
        assert response.status_code == 200
        values = values_of(response.json())
        assert values["result"] is result
        assert ("message" in values) is not result
        assert values.get("display", I10) == I10


def test_validation_that_cannot_be(client: TestClient) -> None:
    asked = {"url": SYSTEM, "system": "http://loinc.org", "code": "I10"}
    assert outcome_of(client.get(VALIDATE, params=asked))[:2] == (400, "invalid")
    assert outcome_of(client.get(VALIDATE, params={"code": "I10"}))[:2] == (400, "invalid")
    concept = {"coding": [{"system": SYSTEM, "code": "I10"}]}
    assert client.post(VALIDATE, json=posted("codeableConcept", concept)).status_code == 200


def test_code_system(client: TestClient) -> None:
    resource = client.get("/fhir/CodeSystem/icd-10-cm").json()
    CodeSystem.model_validate(resource)
    assert (resource["url"], resource["version"], resource["count"]) == (SYSTEM, "2026-04", 13)
    assert resource["content"] == "not-present"
    assert outcome_of(client.get("/fhir/CodeSystem/loinc"))[:2] == (404, "not-found")


@pytest.mark.parametrize(
    ("asked", "total"),
    [
        ({}, 1),
        ({"url": SYSTEM}, 1),
        ({"_id": "icd-10-cm", "version": "2026-04"}, 1),
        ({"url": "http://loinc.org"}, 0),
        ({"url": SYSTEM, "version": "2020"}, 0),
        ({"name": "ICD10CM"}, 1),
        ({"name": "icd"}, 1),
        ({"name": "SNOMED"}, 0),
        ({"_count": 20, "_summary": "true", "_sort": "name"}, 1),
    ],
)
def test_search_for_code_systems(client: TestClient, asked: dict[str, str], total: int) -> None:
    bundle = client.get("/fhir/CodeSystem", params=asked).json()
    Bundle.model_validate(bundle)
    assert (bundle["type"], bundle["total"], len(bundle.get("entry", []))) == ("searchset", total, total)
    for entry in bundle.get("entry", []):
        assert entry["fullUrl"] == "http://testserver/fhir/CodeSystem/icd-10-cm"


def test_search_for_the_count_alone(client: TestClient) -> None:
    bundle = client.get("/fhir/CodeSystem?_count=0").json()
    Bundle.model_validate(bundle)
    assert (bundle["total"], "entry" in bundle) == (1, False)


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("E11.2", "e1121", "subsumes"),
        ("E11", "E11.21", "subsumes"),
        ("E11.21", "E11", "subsumed-by"),
        ("E11.9", "e119", "equivalent"),
        ("E11.9", "E11.2", "not-subsumed"),
        ("E10", "E11.9", "not-subsumed"),
    ],
)
def test_subsumes(client: TestClient, first: str, second: str, outcome: str) -> None:
    got = client.get(SUBSUMES, params={"codeA": first, "codeB": second, "system": SYSTEM})
    other = {"name": "codingB", "valueCoding": {"system": SYSTEM, "code": second, "display": "b"}}
    coding = {"system": SYSTEM, "code": first, "display": "a"}
    for response in (got, client.post(SUBSUMES, json=posted("codingA", coding, other))):
        assert response.status_code == 200
        assert values_of(response.json()) == {"outcome": outcome}


@pytest.mark.parametrize(
    ("asked", "status", "issue"),
    [
        ({"codeA": "E11", "codeB": "E11.99", "system": SYSTEM}, 404, "not-found"),
        ({"codeA": "E11", "codeB": "no code", "system": SYSTEM}, 400, "invalid"),
        ({"codeA": "E11", "codeB": "E10"}, 400, "invalid"),
        ({"codeA": "E11", "system": SYSTEM}, 400, "invalid"),
        ({"codeA": "E11", "codeB": "E10", "system": "http://loinc.org"}, 404, "not-found"),
    ],
)
def test_subsumption_that_cannot_be(
    client: TestClient, asked: dict[str, str], status: int, issue: str
) -> None:
    assert outcome_of(client.get(SUBSUMES, params=asked))[:2] == (status, issue)


def test_subsumption_in_two_systems(client: TestClient) -> None:
    other = {"name": "codingB", "valueCoding": {"system": "http://loinc.org", "code": "E11"}}
    body = posted("codingA", {"system": SYSTEM, "code": "E11"}, other)
    assert outcome_of(client.post(SUBSUMES, json=body)) == (
        400,
        "invalid",
        "`codingA` and `codingB` must have the same system.",
    )


@pytest.mark.parametrize(
    ("header", "display"),
    [
        ("es", SPANISH),
        ("es-MX,es;q=0.9,en;q=0.8", SPANISH),
        ("de, fr;q=0.1, es;q=0.5", SPANISH),
        ("en, es;q=0.9", I10),
        ("es;q=0, en;q=0.1", I10),
        ("es;q=x", I10),
        ("*", I10),
    ],
)
def test_language_of_the_header(client: TestClient, header: str, display: str) -> None:
    asked = {"system": SYSTEM, "code": "I10"}
    headers = {"Accept-Language": header}
    assert values_of(client.get(LOOKUP, params=asked, headers=headers).json())["display"] == display
    body = posted("coding", asked)
    assert values_of(client.post(LOOKUP, json=body, headers=headers).json())["display"] == display
    english = client.get(LOOKUP, params={**asked, "displayLanguage": "en"}, headers=headers).json()
    assert values_of(english)["display"] == I10


@pytest.mark.parametrize(
    ("code", "meant"), [("EIl.9", "E11.9"), ("EI1.9", "E11.9"), ("E11.-", "E11"), ("R07O", "R07.0")]
)
def test_code_that_is_only_similar(client: TestClient, code: str, meant: str) -> None:
    """What a person may type is no code of the system for a program; the right one is named."""
    values = values_of(client.get(VALIDATE, params={"url": SYSTEM, "code": code}).json())
    said = f"There is no code {code!r} in ICD-10-CM; did you mean {meant}?"
    assert values == {"result": False, "message": said}
    assert client.get(f"/fhir/CodeSystem/$lookup?system={SYSTEM}&code={code}").status_code == 404
    below = {"url": f"{SYSTEM}?fhir_vs=isa/{code}"}
    assert client.get("/fhir/ValueSet/$expand", params=below).status_code in {400, 404}
