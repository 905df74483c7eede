"""The API is as its description says, for requests that a machine makes up from it."""

from typing import Any

import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import one_of
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from codisearch.service.app import create_app

EXAMPLES = 25
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
]


def test_requests_made_from_the_description(make_client: Any) -> None:
    """No request is a fault of the service; every answer has a status, type and form that are described."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", make_client().app)
    tried = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,  # the same requests each time
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))
        def send(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        send()
        tried.append(operation.label)
    assert len(tried) == len(set(tried)) >= 19


def test_description_is_complete(client: TestClient) -> None:
    """Every operation says what it does and how it fails, and search is shown in every language."""
    description = client.get("/openapi.json").json()
    for path, operations in description["paths"].items():
        for operation in operations.values():
            assert operation["description"]
            assert operation["tags"]
            if path.startswith("/v1"):
                assert {"200", "401", "422", "503"} <= set(operation["responses"])
                unusable = operation["responses"]["422"]["content"]
                assert list(unusable) == ["application/problem+json"]
    examples = description["components"]["schemas"]["SearchRequest"]["examples"]
    assert [example["language"] for example in examples] == ["en", "es", "ca", "it", "pt", "fr"]
    assert "HTTPValidationError" not in description["components"]["schemas"]
    assert "security" not in description


def test_key_is_described_where_one_is_needed(retriever: Any) -> None:
    from codisearch.service.settings import ServiceSettings

    description = create_app(retriever, ServiceSettings(api_key="x")).openapi()
    assert description["security"] == [{"key": []}, {"bearer": []}]
