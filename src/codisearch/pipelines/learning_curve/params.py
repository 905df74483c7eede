"""Parameters of the `learning_curve` pipeline."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt


class LearningCurveParams(BaseModel):
    """How often the bi-encoder is trained, and on how much.

    Attributes:
        sizes: Numbers of training queries; null is all of them. Queries are added code by code, so a smaller
            part lies within every larger one of the same seed. Translated titles take part at every size.
        seeds: One training per size and seed; the seed decides which codes come first, too.
        candidate: Name of the candidate under `bi_encoder.candidates` that is trained.
        sources: Sources of a further training set each, such as `llm-corpus-v1`, with the first seed: corpora
            of different origin on the same test queries.
        queries: Upper limit of the test queries, evenly over languages; null takes all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sizes: tuple[NonNegativeInt | None, ...] = Field(min_length=1)
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    candidate: str = "static"
    sources: tuple[str, ...] = ()
    queries: int | None = Field(default=None, ge=1)
