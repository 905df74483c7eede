"""What the server states that it can do."""

import pytest
from fastapi.testclient import TestClient
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.terminologycapabilities import TerminologyCapabilities


@pytest.mark.parametrize("mode", ["", "?mode=full", "?mode=normative"])
def test_capability_statement(client: TestClient, mode: str) -> None:
    statement = client.get(f"/fhir/metadata{mode}").json()
    CapabilityStatement.model_validate(statement)
    assert statement["fhirVersion"] == "4.0.1"
    (rest,) = statement["rest"]
    operations = {
        (resource["type"], operation["name"])
        for resource in rest["resource"]
        for operation in resource["operation"]
    }
    assert operations == {
        ("CodeSystem", "lookup"),
        ("CodeSystem", "validate-code"),
        ("CodeSystem", "subsumes"),
        ("ValueSet", "expand"),
        ("ValueSet", "validate-code"),
    }


def test_every_stated_operation_is_there(client: TestClient) -> None:
    (rest,) = client.get("/fhir/metadata").json()["rest"]
    for resource in rest["resource"]:
        for operation in resource["operation"]:
            response = client.get(f"/fhir/{resource['type']}/${operation['name']}")
            assert response.status_code == 400  # its parameters are missing


def test_terminology_capabilities(client: TestClient) -> None:
    capabilities = client.get("/fhir/metadata?mode=terminology").json()
    TerminologyCapabilities.model_validate(capabilities)
    (system,) = capabilities["codeSystem"]
    assert system["uri"] == "http://hl7.org/fhir/sid/icd-10-cm"
    assert system["version"][0]["code"] == "2026-04"
    names = [parameter["name"] for parameter in capabilities["expansion"]["parameter"]]
    assert {"url", "filter", "count", "offset", "displayLanguage"} <= set(names)


def test_unknown_mode(client: TestClient) -> None:
    assert client.get("/fhir/metadata?mode=x").json()["resourceType"] == "OperationOutcome"
