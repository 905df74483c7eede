"""Requests of the HTTP API, and those of its answers that are not the retriever's own result types."""

from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, WithJsonSchema

from codisearch.languages import Language
from codisearch.retrieval.answers import Answer, CodeName, Suggestion
from codisearch.retrieval.queries import MAX_CHARACTERS, MAX_TOP, SearchOptions
from codisearch.service.inputs import LanguageTag

PHRASES: Final[dict[Language, str]] = {
    "en": "chest pain radiating to left arm",
    "es": "DM2 con nefropatía diabética",
    "ca": "fractura de canell dret",
    "it": "dolore toracico oppressivo",
    "pt": "dor no peito ao respirar",
    "fr": "crise d'asthme aiguë",
}
"""A phrase in each language, for the examples of the API's description."""


class Request(BaseModel):
    """Base of all requests: unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SearchParams(Request):
    """How to search; one meaning for the search of one phrase and of many."""

    language: LanguageTag | None = Field(
        None, description="Language of the query; detected if it is not given. `CA` and `ca-ES` are `ca`."
    )
    display_language: LanguageTag | None = Field(
        None, description="Language of titles; that of the query if it is not given."
    )
    top: int = Field(10, ge=1, le=MAX_TOP, description="How many codes.")
    billable_only: bool = Field(False, description="Leave out codes that cannot be billed.")
    chapter: str | None = Field(None, description="Only codes of this chapter: its number.", examples=["9"])
    under: str | None = Field(None, description="Only this code and those below it.", examples=["E11"])
    rerank: bool = Field(True, description="Let the second stage correct the order.")
    grouped: bool = Field(False, description="Also put siblings together that differ by one qualifier.")
    precision: float | None = Field(
        None,
        ge=0.5,
        le=0.99,
        allow_inf_nan=False,
        description="Share of first codes that should be right among answers that are `known`; the answer's "
        "`threshold` is the probability that the first code must reach for it.",
    )

    def options(self) -> SearchOptions:
        """Return the options in their normal form.

        Raises:
            InputError: If a chapter or code is not allowed.
        """
        return SearchOptions(**self.model_dump(include=set(SearchParams.model_fields))).checked()


class SearchRequest(SearchParams):
    """A phrase to search, with the options."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": text, "language": tag} for tag, text in PHRASES.items()]}
    )

    query: str = Field(
        validation_alias=AliasChoices("query", "q"),
        description=f"A clinical phrase, at most {MAX_CHARACTERS:,} characters; `q` for short.",
        examples=list(PHRASES.values()),
    )


class BatchItem(Request):
    """A phrase of a batch that has a language of its own."""

    query: str
    language: LanguageTag | None = None


_BATCH_ITEMS: Final = [
    {"type": "string"},
    BatchItem.model_json_schema(),
    {"description": "Anything else is answered with an error in its place."},
]


class BatchRequest(SearchParams):
    """Phrases to search, with one set of options."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"queries": ["HTA", {"query": PHRASES["fr"], "language": "fr"}], "top": 3}]
        }
    )

    queries: list[Annotated[Any, WithJsonSchema({"anyOf": _BATCH_ITEMS})]] = Field(
        description="Phrases: texts, or objects with a language. A bad one harms no other."
    )


class SuggestRequest(Request):
    """What is being typed."""

    q: str = Field(description="The first letters of a phrase, or of a code.", examples=["diab", "E11"])
    language: LanguageTag | None = Field(None, description="Prefer completions in this language.")
    top: int = Field(10, ge=1, le=MAX_TOP, description="How many completions.")


class ProblemBody(BaseModel):
    """An error as RFC 9457 problem details."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["`top`: input should be less than or equal to 100, came 1000."])
    suggestions: list[CodeName] | None = Field(None, description="Codes that may have been meant.")


class ItemError(BaseModel):
    """Stands in a batch's answers where a query could not be searched."""

    error: ProblemBody


class BatchAnswers(BaseModel):
    """The answers to a batch, in the order of its queries."""

    answers: list[Answer | ItemError]


class Suggestions(BaseModel):
    """Completions, best first."""

    suggestions: list[Suggestion]


class LanguageName(BaseModel):
    """A language of queries."""

    tag: Language
    name: str


class Limits(BaseModel):
    """What a request may ask for."""

    query_characters: int
    top: int
    batch: int
    body_bytes: int
    timeout_seconds: float


class Info(BaseModel):
    """What is served."""

    release: str = Field(description="Release of the code set.")
    system: str = Field(description="URI of the code system in FHIR.")
    codes: int
    aliases: int
    created: str = Field(description="When the bundle was made, UTC.")
    encoder: str = Field(description="Fingerprint of the first stage.")
    reranker: str = Field(description="Fingerprint of the second stage.")
    version: str = Field(description="Version of the program that answers.")
    bundle_version: str = Field(description="Version of the program that made the bundle.")
    languages: list[LanguageName]
    limits: Limits


class Health(BaseModel):
    """State of the service."""

    status: Literal["ok", "ready"]
