"""Parameters of the index."""

from pydantic import BaseModel, ConfigDict, Field

from codisearch.retrieval.aliases import AliasSource
from codisearch.retrieval.queries import MAX_PRECISION, MIN_PRECISION


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConfidenceParams(_Strict):
    """How the probabilities of answers are fitted on the validation queries.

    Attributes:
        unseen_share: Share of queries that ask for a code without a query in the training split, as which the
            validation queries are weighted; null: as they come. More of them make search more careful.
        precision: Share of right first answers that is asked for where nobody says otherwise; below it the
            answer is "I do not know".
        penalty: Draws the weights of the evidence towards 0.
        language_penalty: Draws the scale and offset of each language towards those of all.
        folds: Thresholds are read off probabilities of folds that the model was not fitted on.
        least_answers: A precision that fewer validation answers reach counts as out of reach.
    """

    precision: float = Field(default=0.8, ge=MIN_PRECISION, le=MAX_PRECISION)
    unseen_share: float | None = Field(default=0.7, gt=0, lt=1)
    penalty: float = Field(default=0.01, ge=0)
    language_penalty: float = Field(default=0.03, ge=0)
    folds: int = Field(default=5, ge=2)
    least_answers: int = Field(default=30, ge=1)


class IndexingParams(_Strict):
    """What enters the index, and how it is kept.

    Attributes:
        alias_sources: Which aliases stand for a code; the reference recipe has `official_title` alone.
        index: FAISS factory string: `Flat`, `SQfp16`, `HNSW32`, `IVF256,SQ8` ...
        confidence: How the probabilities of answers are fitted.
    """

    alias_sources: tuple[AliasSource, ...] = Field(min_length=1)
    index: str = "Flat"
    confidence: ConfidenceParams = ConfidenceParams()
