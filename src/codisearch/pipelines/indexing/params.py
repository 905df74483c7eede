"""Parameters of the index."""

from pydantic import BaseModel, ConfigDict, Field

from codisearch.retrieval.aliases import AliasSource


class IndexingParams(BaseModel):
    """What enters the index, and how it is kept.

    Attributes:
        alias_sources: Which aliases stand for a code; the reference recipe has `official_title` alone.
        index: FAISS factory string: `Flat`, `SQfp16`, `HNSW32`, `IVF256,SQ8` ...
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    alias_sources: tuple[AliasSource, ...] = Field(min_length=1)
    index: str = "Flat"
