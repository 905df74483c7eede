"""Parameters of the `generation` pipeline."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from codisearch.generators.settings import BatchSettings, Budget, ModelSettings, Pace
from codisearch.languages import LANGUAGE_NAMES, LANGUAGES, Language, Style

CORPUS = "corpus"
Level = Literal["code", "four_characters", "category"]
Mode = Literal["online", "batch"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CodesParams(_Strict):
    """Which codes get queries.

    Attributes:
        which: `listed` are the codes of the corpus's list, `billable` all that can be billed.
        under: Codes and categories; only billable codes equal to one of them or below one are kept, listed or
            not. Empty: no restriction.
        file: A CSV or text file with the codes, in a column `code` or one in a line; instead of `which`.
        limit: Keep so many of them, evenly spread in code order; null keeps all.
    """

    which: Literal["listed", "billable"] = "listed"
    under: tuple[str, ...] = ()
    file: Path | None = None
    limit: PositiveInt | None = None


class AuditParams(_Strict):
    """The second pass, in which a model codes the queries blind.

    Attributes:
        enabled: Whether there is one.
        generator: Which of `models` reads; null: the one that wrote.
        prompt: The prompt file, without its ending.
        queries_per_request: How many queries are read in one request.
        agree_at: From which level on an answer agrees.
        keep_disagreements: Whether queries whose answer does not agree stay among the pairs; they are marked
            in `generation_rows` either way.
        keep_unread: Whether queries that no reader coded stay among the pairs, for example since its answer
            was blocked.
    """

    enabled: bool = True
    generator: str | None = None
    prompt: str = "audit-2"
    queries_per_request: PositiveInt = 25
    agree_at: Level = "four_characters"
    keep_disagreements: bool = False
    keep_unread: bool = True


class EstimateParams(_Strict):
    """What the plan counts with until the ledger has answers of the same kind.

    Attributes:
        characters_per_token: Of the prompts.
        tokens_per_query: Tokens of the answer for each query.
        tokens_per_request: Tokens of the answer besides, such as the confusable codes.
        thinking_tokens: Tokens that the model thinks with, for each request.
        seconds: Time to an answer.
    """

    characters_per_token: PositiveFloat = 3.8
    tokens_per_query: PositiveFloat = 40.0
    tokens_per_request: NonNegativeFloat = 220.0
    thinking_tokens: NonNegativeFloat = 600.0
    seconds: PositiveFloat = 8.0


def _one_of_each() -> dict[Style, NonNegativeInt]:
    return {"formal": 1, "shorthand": 1, "lay": 1}


class GenerationParams(_Strict):
    """Where the pairs come from, and how a language model is asked for them.

    Attributes:
        generator: `corpus` hands over the files under `data/01_raw/corpus`; any other names one of `models`.
        sample_codes: Corpus only: of how many codes the pairs are kept, evenly spread; null keeps all.
        dry_run: Whether to stop once the plan is printed, with nothing sent.
        mode: `online` sends requests one by one, `batch` hands in jobs at a lower price.
        codes: Which codes get queries.
        languages: In which languages.
        countries: For each language, whose clinicians and patients write.
        queries: For each style, how many queries of a code in a language; of `title` at most one, none in
            English.
        prompt: The prompt file, without its ending.
        attempts: How often a request is made when its answers are of no use, such as invalid JSON or rows
            that the rules refuse.
        neighbours: How many codes close in the tree the model is shown.
        include_corpus: Whether the pairs of the corpus stand beside the generated ones.
        models: Name of a generator -> its model.
        audit: The blind second pass.
        pace: How fast, and how often again.
        batch: How batch jobs are cut and watched.
        budget: How much may be spent.
        estimate: What the plan counts with.
    """

    generator: str = CORPUS
    sample_codes: PositiveInt | None = None
    dry_run: bool = False
    mode: Mode = "online"
    codes: CodesParams = CodesParams()
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = LANGUAGES
    countries: dict[Language, str] = Field(default_factory=dict)
    queries: dict[Style, NonNegativeInt] = Field(default_factory=_one_of_each)
    prompt: str = "queries-3"
    attempts: PositiveInt = 2
    neighbours: NonNegativeInt = 12
    include_corpus: bool = False
    models: dict[str, ModelSettings] = Field(default_factory=dict)
    audit: AuditParams = AuditParams()
    pace: Pace = Pace()
    batch: BatchSettings = BatchSettings()
    budget: Budget = Budget()
    estimate: EstimateParams = EstimateParams()

    @property
    def live(self) -> bool:
        """Return whether a language model is asked."""
        return self.generator != CORPUS

    @property
    def auditor(self) -> str:
        """Return the name of the generator that codes the queries blind."""
        return self.audit.generator or self.generator

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.live:
            return self
        for name in dict.fromkeys((self.generator, self.auditor)):
            if name not in self.models:
                raise ValueError(
                    f"generator {name!r} has no settings under models; allowed are corpus, "
                    f"{', '.join(sorted(self.models)) or 'and none else'}."
                )
        missing = [language for language in self.languages if not self.countries.get(language, "").strip()]
        if missing:
            raise ValueError(f"countries must name a country for {', '.join(missing)}.")
        if len(set(self.languages)) < len(self.languages):
            raise ValueError(f"languages must name each language once, came {', '.join(self.languages)}.")
        if self.queries.get("title", 0) > 1:
            raise ValueError(f"queries.title must be 0 or 1, came {self.queries['title']}.")
        if not sum(self.queries.values()):
            raise ValueError("queries must ask for at least one query.")
        currencies = {self.models[name].prices.currency for name in (self.generator, self.auditor)}
        if len(currencies) > 1:
            raise ValueError(f"the prices of writer and auditor must be in one currency, came {currencies}.")
        return self

    def wording(self, language: Language) -> dict[str, object]:
        """Return what a prompt says of a language, by the name of the placeholder."""
        return {"language": LANGUAGE_NAMES[language], "country": self.countries[language]}

    def slots(self, language: Language) -> tuple[tuple[Style, int], ...]:
        """Return what is asked of a code in a language: each style with its number of queries."""
        asked = [(style, count) for style, count in self.queries.items() if count]
        return tuple((style, count) for style, count in asked if (language, style) != ("en", "title"))
