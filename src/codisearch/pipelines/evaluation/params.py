"""Parameters of the evaluation."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from codisearch.languages import Language
from codisearch.pipelines.evaluation.bootstrap import BootstrapParams
from codisearch.retrieval.encoder import EncoderSpec

BUILT_IN: Final = ("bm25", "char_tfidf", "base_encoder", "bi_encoder", "two_stage")


class EvaluationParams(BaseModel):
    """What is measured.

    Attributes:
        systems: Names, in the order of the tables: built-in ones and those under `encoders`.
        encoders: Further encoders by name, each indexed as it comes, over the same aliases.
        depth: Codes ranked per query.
        queries: Upper limit of the test queries, evenly over languages; null: all.
        bootstrap: How intervals are drawn.
        examples: Test queries shown in the report.
        gold: A file of real mentions (CSV, TSV or JSON lines with `query`, `code` and perhaps `language`) to
            measure as well; null: none.
        gold_language: Language of its rows where it has no such column.
        gold_match: Whether a longer code that begins with the gold code is right (`prefix`; annotators leave
            out seventh characters), or only the code itself (`exact`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    systems: tuple[str, ...] = Field(min_length=1)
    encoders: dict[str, EncoderSpec] = {}
    depth: int = Field(default=50, ge=10, le=1000)
    queries: int | None = Field(default=None, ge=1)
    bootstrap: BootstrapParams = BootstrapParams()
    examples: int = Field(default=10, ge=0)
    gold: str | None = None
    gold_language: Language = "es"
    gold_match: Literal["prefix", "exact"] = "prefix"

    @model_validator(mode="after")
    def _systems_exist(self) -> "EvaluationParams":
        unknown = [name for name in self.systems if name not in BUILT_IN and name not in self.encoders]
        if unknown:
            allowed = ", ".join((*BUILT_IN, *self.encoders))
            raise ValueError(
                f"unknown systems {', '.join(unknown)}: allowed are {allowed}; a further encoder is named "
                "under `encoders`"
            )
        return self
