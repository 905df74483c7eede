"""Parameters of the `generation` pipeline."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt

Generator = Literal["corpus", "gemini"]


class GenerationParams(BaseModel):
    """Where the pairs come from.

    Attributes:
        generator: `corpus` hands over the corpus files under `data/01_raw/corpus`; `gemini` is a live client.
        sample_codes: Of how many codes the pairs are kept, evenly spread in code order; null keeps all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    generator: Generator = "corpus"
    sample_codes: PositiveInt | None = None
