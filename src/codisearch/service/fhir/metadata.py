"""What the server can do, as FHIR states it."""

from typing import Any, Final

import codisearch
from codisearch.codes import ICD10CM_SYSTEM, release_version
from codisearch.languages import LANGUAGES
from codisearch.retrieval.bundle import Manifest
from codisearch.service.fhir.code_system import PROPERTIES
from codisearch.service.fhir.outcomes import FHIR_TYPE
from codisearch.service.fhir.parameters import ExpandParams

FHIR_VERSION: Final = "4.0.1"
_DEFINITIONS: Final = "http://hl7.org/fhir/OperationDefinition"


def capability_statement(manifest: Manifest) -> dict[str, Any]:
    """Return the CapabilityStatement."""
    return {
        "resourceType": "CapabilityStatement",
        **_head(manifest),
        "fhirVersion": FHIR_VERSION,
        "format": [FHIR_TYPE, "json"],
        "rest": [{"mode": "server", "resource": [_code_system(), _value_set()]}],
    }


def terminology_capabilities(manifest: Manifest) -> dict[str, Any]:
    """Return the TerminologyCapabilities."""
    version = {
        "code": release_version(manifest.release),
        "isDefault": True,
        "compositional": False,
        "language": list(LANGUAGES),
        "property": list(PROPERTIES),
    }
    names = [name for name in ExpandParams.model_fields if name not in {"format_", "pretty"}]
    return {
        "resourceType": "TerminologyCapabilities",
        **_head(manifest),
        "codeSystem": [{"uri": ICD10CM_SYSTEM, "version": [version], "subsumption": True}],
        "expansion": {
            "hierarchical": False,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name in names],
            "textFilter": "The beginnings of words, or a clinical phrase, which is also found by meaning.",
        },
        "codeSearch": "explicit",
        "validateCode": {"translations": True},
    }


def _head(manifest: Manifest) -> dict[str, Any]:
    return {
        "status": "active",
        "date": manifest.created,
        "kind": "instance",
        "software": {"name": "codisearch", "version": codisearch.__version__},
        "implementation": {"description": f"Terminology of {manifest.release}"},
    }


def _code_system() -> dict[str, Any]:
    return {
        "type": "CodeSystem",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            {"name": "url", "type": "uri"},
            {"name": "version", "type": "token"},
            {"name": "name", "type": "string"},
            {"name": "_id", "type": "token"},
        ],
        "operation": [
            {"name": "lookup", "definition": f"{_DEFINITIONS}/CodeSystem-lookup"},
            {"name": "validate-code", "definition": f"{_DEFINITIONS}/CodeSystem-validate-code"},
            {"name": "subsumes", "definition": f"{_DEFINITIONS}/CodeSystem-subsumes"},
        ],
    }


def _value_set() -> dict[str, Any]:
    return {
        "type": "ValueSet",
        "operation": [
            {"name": "expand", "definition": f"{_DEFINITIONS}/ValueSet-expand"},
            {"name": "validate-code", "definition": f"{_DEFINITIONS}/ValueSet-validate-code"},
        ],
    }
