"""The parameters of the curation pipeline, as `params:curation`."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from codisearch.languages import Split
from codisearch.rules.params import RuleParams, Share

Cosine = Annotated[float, Field(gt=0, le=1)]
_SUM_TOLERANCE = 1e-6


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NearDuplicateParams(_Params):
    """How near-duplicates are found and what is done about them.

    Attributes:
        ngram_range: Shortest and longest character n-gram, within words.
        duplicate_threshold: Cosine from which two queries of one code are the same query.
        cluster_threshold: Cosine from which two queries may not lie in different splits, and a title near to
            a query in validation or test is refused.
        across_languages: `link` keeps a repeat in another language and names the first in `duplicate_of`;
            `drop` refuses it as if it were in the same language.
        chunk_size: Rows that are compared with all others at a time; bounds the memory.
    """

    ngram_range: tuple[int, int]
    duplicate_threshold: Cosine
    cluster_threshold: Cosine
    across_languages: Literal["link", "drop"]
    chunk_size: int = Field(ge=1)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not 1 <= self.ngram_range[0] <= self.ngram_range[1]:
            raise ValueError(f"ngram_range must be shortest, longest, from 1 on; got {self.ngram_range}.")
        if self.cluster_threshold > self.duplicate_threshold:
            raise ValueError("cluster_threshold may not be above duplicate_threshold.")
        return self


class UnseenParams(_Params):
    """Shares of the codes that are held out of training altogether."""

    validation: Share
    test: Share

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(
                "The shares of unseen codes must leave codes for training: their sum must be below 1."
            )
        return self


class SplitParams(_Params):
    """How the pairs are split.

    Attributes:
        seed: Seed of the choice of unseen codes and of the order of clusters.
        unseen_codes: Shares of the codes with queries that are held out of training.
        shares: Shares of the queries whose cluster holds no held-out code; titles do not count.
    """

    seed: int
    unseen_codes: UnseenParams
    shares: dict[Split, Share]

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if abs(sum(self.shares.values()) - 1) > _SUM_TOLERANCE or self.shares.get("train", 0) == 0:
            raise ValueError(f"shares must sum to 1 and leave some to train; got {self.shares}.")
        return self


class CurationParams(RuleParams):
    """All thresholds of the pipeline; those of the rules are `RuleParams`.

    Attributes:
        near_duplicates: Near-duplicate search.
        split: Train, validation and test.
        leakage_thresholds: Cosines at which the leakage report counts.
    """

    near_duplicates: NearDuplicateParams
    split: SplitParams
    leakage_thresholds: tuple[Cosine, ...] = Field(min_length=1)

    @property
    def search_threshold(self) -> float:
        """Return the lowest cosine that any step needs, so that one search serves all."""
        return min(self.near_duplicates.cluster_threshold, *self.leakage_thresholds)
