"""FHIR operation outcomes: what is wrong with a request."""

from typing import Any, Final

FHIR_PREFIX: Final = "/fhir"
FHIR_TYPE: Final = "application/fhir+json"
FORMATS: Final = ("json", "application/json", FHIR_TYPE)
"""What may be asked for as `_format`."""
ISSUES: Final[dict[int, str]] = {
    400: "invalid",
    401: "login",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    503: "transient",
    504: "timeout",
}
"""Issue type (http://hl7.org/fhir/R4/valueset-issue-type.html) by HTTP status."""


def operation_outcome(status: int, diagnostics: str, issue: str = "") -> dict[str, Any]:
    """Return an OperationOutcome with one error; `issue` is its type where the status does not tell it."""
    kind = issue or ISSUES.get(status, "exception")
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": kind, "diagnostics": diagnostics}],
    }
