"""FHIR parameters: read from a query string or a Parameters resource, and written as results."""

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from codisearch.languages import LANGUAGES, Language
from codisearch.service.fhir.outcomes import FORMATS
from codisearch.service.problems import Problem, ProblemError, of_validation, repeated

_VALUE: Final = "value"
_CODING_FIELDS: Final = ("system", "version", "code", "display")

Model = TypeVar("Model", bound="Operation")


class Operation(BaseModel):
    """Base of the parameters of an operation; `_format` and `_pretty` may stand beside them in an address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_: str | None = Field(None, alias="_format", json_schema_extra={"enum": list(FORMATS)})
    pretty: str | None = Field(None, alias="_pretty", description="Accepted without effect.")


Text = Annotated[str, Field(min_length=1)]


class LookupParams(Operation):
    """Parameters of CodeSystem/$lookup."""

    code: Text = Field(description="With or without its dot.", examples=["E11.9"])
    system: Text | None = Field(None, examples=["http://hl7.org/fhir/sid/icd-10-cm"])
    version: Text | None = None
    displayLanguage: Text | None = Field(None, description="`es` or `es-ES`.", examples=["es"])  # noqa: N815
    property: list[Text] = Field(
        default_factory=list,
        description="parent, child, billable, chapter, designation; all if none.",
    )
    date: Text | None = Field(None, description="Accepted without effect.")


class ValidateParams(Operation):
    """Parameters of CodeSystem/$validate-code."""

    code: Text = Field(description="With or without its dot.", examples=["E11.9"])
    url: Text | None = Field(None, examples=["http://hl7.org/fhir/sid/icd-10-cm"])
    system: Text | None = Field(None, description="Another name of `url`.")
    version: Text | None = None
    display: Text | None = None
    displayLanguage: Text | None = Field(None, examples=["ca"])  # noqa: N815
    date: Text | None = Field(None, description="Accepted without effect.")


class ExpandParams(Operation):
    """Parameters of ValueSet/$expand."""

    url: Text = Field(
        description="All codes, `...?fhir_vs`, or a code and those below it, `...?fhir_vs=isa/E11`.",
        examples=["http://hl7.org/fhir/sid/icd-10-cm?fhir_vs=isa/E11"],
    )
    filter: str = Field(
        "", description="A phrase, or the beginning of a term or code.", examples=["neuropatía"]
    )
    count: int | None = Field(None, ge=0, le=1_000_000, description="How many codes at the most.")
    offset: int = Field(0, ge=0, le=1_000_000)
    displayLanguage: Text | None = Field(None, examples=["es"])  # noqa: N815
    includeDesignations: bool = False  # noqa: N815
    activeOnly: bool = Field(False, description="Without effect: all codes of a release are active.")  # noqa: N815
    excludeNested: bool = Field(True, description="Without effect: the expansion is always flat.")  # noqa: N815


class SearchParams(Operation):
    """Parameters of a search for code systems."""

    url: Text | None = Field(None, examples=["http://hl7.org/fhir/sid/icd-10-cm"])
    version: Text | None = None
    id: Text | None = Field(None, alias="_id")


class Part(BaseModel):
    """One parameter: a name and a value."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str

    def value(self) -> Any:  # noqa: ANN401  # any FHIR type
        """Return the value, whatever its type."""
        (value,) = (value for name, value in (self.model_extra or {}).items() if name.startswith(_VALUE))
        return value

    @model_validator(mode="after")
    def _one_value(self) -> "Part":
        values = [name for name in self.model_extra or {} if name.startswith(_VALUE)]
        if len(values) != 1:
            raise ValueError(f"expected one value[x], came {len(values)}")
        return self


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


def read_parameters(body: ParametersBody, model: type[Model]) -> Model:
    """Return posted parameters as an operation's; a coding is its system, version, code and display.

    Raises:
        ProblemError: If they do not fit.
    """
    values: dict[str, Any] = {}
    for part in body.parameter:
        for name, value in _fields(part):
            if name == "property" and name in model.model_fields:
                values.setdefault(name, []).append(value)
            elif name in values:
                raise ProblemError(repeated([name]))
            else:
                values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        errors = [{**found, "loc": ("body", *found["loc"])} for found in error.errors()]
        raise ProblemError(of_validation(errors, 400)) from error


def _fields(part: Part) -> list[tuple[str, Any]]:
    value = part.value()
    if part.name == "codeableConcept":
        codings = value.get("coding") if isinstance(value, dict) else None
        if not isinstance(codings, list) or len(codings) != 1:
            raise ProblemError(Problem(400, "`codeableConcept` must hold one coding.", issue="not-supported"))
        value = codings[0]
    elif part.name != "coding":
        return [(part.name, value)]
    if not isinstance(value, dict):
        raise ProblemError(Problem(400, f"`{part.name}` must be an object with `system` and `code`."))
    return [(name, value[name]) for name in _CODING_FIELDS if name in value]


def part(name: str, kind: str, value: object) -> dict[str, Any]:
    """Return one parameter of a result; `kind` is the FHIR type, such as `String`."""
    return {"name": name, f"value{kind}": value}


def group(name: str, *parts: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter of a result that has parts."""
    return {"name": name, "part": list(parts)}


def parameters(*parts: dict[str, Any]) -> dict[str, Any]:
    """Return a Parameters resource."""
    return {"resourceType": "Parameters", "parameter": list(parts)}


def language_of(tag: str | None) -> Language | None:
    """Return the language of a tag such as `es-ES`; None where there are no titles in it."""
    primary = (tag or "").replace("_", "-").partition("-")[0].lower()
    return next((language for language in LANGUAGES if language == primary), None)
