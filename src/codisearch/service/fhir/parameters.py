"""FHIR parameters: those of each operation, and those of results."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from codisearch.service.fhir.outcomes import FORMATS


class Operation(BaseModel):
    """Base of the parameters of an operation. Unknown ones are ignored, as FHIR asks of a server."""

    model_config = ConfigDict(extra="ignore", frozen=True)

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
        description="parent, child, billable, chapter, designation; all if none; lang.es: Spanish titles.",
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


class SubsumesParams(Operation):
    """Parameters of CodeSystem/$subsumes."""

    codeA: Text = Field(description="With or without its dot.", examples=["E11"])  # noqa: N815
    codeB: Text = Field(examples=["E11.9"])  # noqa: N815
    system: Text | None = Field(None, examples=["http://hl7.org/fhir/sid/icd-10-cm"])
    version: Text | None = None


class MemberParams(Operation):
    """Parameters of ValueSet/$validate-code."""

    url: Text = Field(examples=["http://hl7.org/fhir/sid/icd-10-cm?fhir_vs=isa/E11"])
    code: Text = Field(examples=["E11.9"])
    system: Text | None = Field(None, examples=["http://hl7.org/fhir/sid/icd-10-cm"])
    version: Text | None = None
    systemVersion: Text | None = Field(None, description="Another name of `version`.")  # noqa: N815
    valueSetVersion: Text | None = Field(None, description="That of the code system.")  # noqa: N815
    display: Text | None = None
    displayLanguage: Text | None = Field(None, examples=["ca"])  # noqa: N815


class ExpandParams(Operation):
    """Parameters of ValueSet/$expand."""

    url: Text = Field(
        description="All codes, `...?fhir_vs`, or a code and those below it, `...?fhir_vs=isa/E11`.",
        examples=["http://hl7.org/fhir/sid/icd-10-cm?fhir_vs=isa/E11"],
    )
    valueSetVersion: Text | None = Field(None, description="That of the code system.")  # noqa: N815
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
    name: Text | None = Field(None, description="The name or its beginning.", examples=["ICD10CM"])
    count: int | None = Field(None, alias="_count", ge=0, description="0: only how many there are.")
    id: Text | None = Field(None, alias="_id")


def part(name: str, kind: str, value: object) -> dict[str, Any]:
    """Return one parameter of a result; `kind` is the FHIR type, such as `String`."""
    return {"name": name, f"value{kind}": value}


def group(name: str, *parts: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter of a result that has parts."""
    return {"name": name, "part": list(parts)}


def parameters(*parts: dict[str, Any]) -> dict[str, Any]:
    """Return a Parameters resource."""
    return {"resourceType": "Parameters", "parameter": list(parts)}
