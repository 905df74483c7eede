"""Operations that are posted: a Parameters resource, read as the parameters of an operation."""

from typing import Any, Final, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError

from codisearch.service.fhir.handling import check_known, names_of
from codisearch.service.fhir.parameters import Operation
from codisearch.service.problems import (
    SHOWN_CHARACTERS,
    Problem,
    ProblemError,
    of_validation,
    one_line,
    repeated,
)

_VALUE: Final = "value"
_CODINGS: Final = {"coding": "code", "codeableConcept": "code", "codingA": "codeA", "codingB": "codeB"}
"""Parameters that hold a coding, and the parameter that its code stands for."""
_PAIR: Final = ("codingA", "codingB")

Model = TypeVar("Model", bound=Operation)


class Part(BaseModel):
    """One parameter: a name and a value."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str

    def value(self) -> Any:  # noqa: ANN401  # any FHIR type
        """Return the value, whatever its type.

        Raises:
            ProblemError: If there is none, or more than one.
        """
        values = [value for name, value in (self.model_extra or {}).items() if name.startswith(_VALUE)]
        if len(values) != 1:
            detail = f"`{self.name[:SHOWN_CHARACTERS]}`: expected one value[x], came {len(values)}."
            raise ProblemError(Problem(400, one_line(detail)))
        return values[0]


class ParametersBody(BaseModel):
    """A Parameters resource, as a client posts it."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "resourceType": "Parameters",
                    "parameter": [
                        {
                            "name": "coding",
                            "valueCoding": {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11.9"},
                        }
                    ],
                }
            ]
        },
    )

    resourceType: Literal["Parameters"]  # noqa: N815
    parameter: list[Part] = []


def read_parameters(body: ParametersBody, model: type[Model], request: Request) -> Model:
    """Return posted parameters as an operation's; a coding is its system, version, code and display.

    Raises:
        ProblemError: If they do not fit.
    """
    fields = names_of(model)
    names = fields | {coding for coding, code in _CODINGS.items() if code in fields}
    check_known((part.name for part in body.parameter), names, request)
    values: dict[str, Any] = {}
    for part in body.parameter:
        for name, value in _values(part) if part.name in names else ():
            if name == "property":
                values.setdefault(name, []).append(value)
            elif name not in values:
                values[name] = value
            elif part.name not in _PAIR or name == _CODINGS[part.name]:
                raise ProblemError(repeated([name]))
            elif value != values[name] and name in fields:
                raise ProblemError(Problem(400, f"`codingA` and `codingB` must have the same {name}."))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        errors = [{**found, "loc": ("body", *found["loc"])} for found in error.errors()]
        raise ProblemError(of_validation(errors, 400)) from error


def _values(part: Part) -> list[tuple[str, Any]]:
    value = part.value()
    if part.name not in _CODINGS:
        return [(part.name, value)]
    if part.name == "codeableConcept":
        codings = value.get("coding") if isinstance(value, dict) else None
        if not isinstance(codings, list) or len(codings) != 1:
            raise ProblemError(Problem(400, "`codeableConcept` must hold one coding.", issue="not-supported"))
        value = codings[0]
    if not isinstance(value, dict):
        raise ProblemError(Problem(400, f"`{part.name}` must be an object with `system` and `code`."))
    names = {name: name for name in ("system", "version", "display")} | {"code": _CODINGS[part.name]}
    return [(names[name], found) for name, found in value.items() if name in names]
