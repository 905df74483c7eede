"""Parameters of the evaluation."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from codisearch.languages import Language
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.retrieval.encoder import EncoderSpec
from codisearch.retrieval.fusion import RANK_CONSTANT

BUILT_IN: Final = ("bm25", "char_tfidf", "base_encoder", "bi_encoder", "two_stage", "search")

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Kind = Literal["lexical", "encoder", "fusion", "reranker", "trained"]

_KINDS: Final[Mapping[str, Kind]] = {
    "bm25": "lexical",
    "char_tfidf": "lexical",
    "base_encoder": "encoder",
    "bi_encoder": "trained",
    "two_stage": "trained",
    "search": "trained",
}


class FusionSpec(BaseModel):
    """Systems whose rankings are fused into one.

    Attributes:
        method: `reciprocal_rank` sums weight / (k + rank); `weighted` sums scores scaled to 0 to 1.
        of: Weight of each system; a list of names gives all the same.
        k: Of `reciprocal_rank` only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["reciprocal_rank", "weighted"]
    of: dict[str, Weight] = Field(min_length=2)
    k: int = Field(default=RANK_CONSTANT, ge=0)

    @field_validator("of", mode="before")
    @classmethod
    def _weights(cls, value: object) -> object:
        if not isinstance(value, (list, tuple)):
            return value
        names = [str(name) for name in value]
        if twice := _repeated(names):
            raise ValueError(f"{twice} named twice: give weights, {{name: weight}}")
        return dict.fromkeys(names, 1.0)

    @model_validator(mode="after")
    def _k_fits(self) -> "FusionSpec":
        if self.method != "reciprocal_rank" and self.k != RANK_CONSTANT:
            raise ValueError(f"k belongs to `method: reciprocal_rank`, not to {self.method}; leave it out")
        return self


class RerankerSpec(BaseModel):
    """A cross-encoder that reads the first codes of another system.

    Attributes:
        first: The system whose codes it reads.
        source: A folder or hub id of a cross-encoder that gives one score to a pair of texts.
        depth: How many codes of each query it reads.
        weight: What its full confidence adds to the scores of `first`; null: its order alone counts.
        max_length: Longest pair in sub-words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: str
    source: str
    depth: int = Field(default=50, ge=1, le=1000)
    weight: Weight | None = None
    max_length: int = Field(default=128, ge=8)


class EvaluationParams(BaseModel):
    """What is measured.

    Attributes:
        systems: Names, in the order of the tables: built-in ones and those under `encoders`, `fusions` and
            `rerankers`.
        encoders: Further encoders by name, each indexed as it comes, over the same aliases.
        fusions: Fusions by name, of any systems, listed in `systems` or not.
        rerankers: Cross-encoders by name, over any system.
        depth: Codes ranked per query.
        latency_queries: Queries that each system ranks one at a time, to measure how long one takes.
        queries: Upper limit of the test queries, evenly over languages; null: all.
        bootstrap: How intervals are drawn.
        examples: Test queries shown in the report.
        gold: A file of real mentions to measure as well; null: none.
        gold_language: Language of its rows where it has no such column.
        gold_match: Whether a longer code that begins with the gold code is right (`prefix`; annotators leave
            out seventh characters), or only the code itself (`exact`).
        gold_encoding: Character encoding of its files; null: UTF-8, or UTF-16 where they begin with its mark.
        gold_documents: Whether whole documents with their codes become queries too, where there are any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    systems: tuple[str, ...] = Field(min_length=1)
    encoders: dict[str, EncoderSpec] = {}
    fusions: dict[str, FusionSpec] = {}
    rerankers: dict[str, RerankerSpec] = {}
    depth: int = Field(default=50, ge=10, le=1000)
    latency_queries: int = Field(default=20, ge=1)
    queries: int | None = Field(default=None, ge=1)
    bootstrap: BootstrapParams = BootstrapParams()
    examples: int = Field(default=10, ge=0)
    gold: str | None = None
    gold_language: Language = "es"
    gold_match: Literal["prefix", "exact"] = "prefix"
    gold_encoding: str | None = None
    gold_documents: bool = False

    def kind_of(self, name: str) -> Kind:
        """Return what kind of system a name stands for."""
        if name in self.fusions:
            return "fusion"
        return "reranker" if name in self.rerankers else _KINDS.get(name, "encoder")

    def components_of(self, name: str) -> tuple[str, ...]:
        """Return the systems whose rankings a system reads; none for one that ranks by itself."""
        if name in self.fusions:
            return tuple(self.fusions[name].of)
        if name in self.rerankers:
            return (self.rerankers[name].first,)
        return ("bi_encoder",) if name in {"two_stage", "search"} else ()

    def with_components(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return systems and all that they read, each once, after its own components."""
        order: dict[str, None] = {}
        for name in names:
            if name not in order:
                order |= dict.fromkeys((*self.with_components(self.components_of(name)), name))
        return tuple(order)

    @model_validator(mode="after")
    def _systems_fit(self) -> "EvaluationParams":
        names = (*BUILT_IN, *self.encoders, *self.fusions, *self.rerankers)
        if twice := _repeated(names):
            raise ValueError(
                f"{twice} named twice: names under `encoders`, `fusions` and `rerankers` must differ from "
                f"each other and from {', '.join(BUILT_IN)}"
            )
        if twice := _repeated(self.systems):
            raise ValueError(f"{twice} named twice in `systems`: name each once")
        self._check_known("systems", self.systems, names)
        for name in self.fusions:
            self._check_known(f"fusions.{name}.of", self.components_of(name), names)
        for name in self.rerankers:
            self._check_known(f"rerankers.{name}.first", self.components_of(name), names)
        for name in (*self.fusions, *self.rerankers):
            self._check_cycle(name, ())
        return self

    @staticmethod
    def _check_known(place: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
        if unknown := [name for name in names if name not in known]:
            raise ValueError(
                f"unknown systems {', '.join(unknown)} in `{place}`: allowed are {', '.join(known)}; a "
                "further one is named under `encoders`, `fusions` or `rerankers`"
            )

    def _check_cycle(self, name: str, above: tuple[str, ...]) -> None:
        if name in above:
            circle = " -> ".join((*above[above.index(name) :], name))
            raise ValueError(f"{name} would read its own ranking: {circle}")
        for component in self.components_of(name):
            self._check_cycle(component, (*above, name))


def _repeated(names: Iterable[str]) -> str:
    return ", ".join(name for name, count in Counter(names).items() if count > 1)
