"""Parameters of the rules that a pair must pass."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"Not a regular expression: {pattern!r} ({error}).") from error
    return pattern


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LengthParams(_Params):
    """Bounds on the length of a query; a word is a run of characters between spaces or punctuation."""

    min_characters: int = Field(ge=1)
    max_characters: int = Field(ge=1)
    min_words: int = Field(ge=1)
    max_words: int = Field(ge=1)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.min_characters > self.max_characters or self.min_words > self.max_words:
            raise ValueError("The least length of a query is above the greatest.")
        return self


class IdentificationParams(_Params):
    """When a query is taken to be in another language than the one it is filed under.

    Attributes:
        min_letters: Queries with fewer letters are not judged.
        min_words: Queries with fewer words (two letters or more) are not judged.
        max_confidence: A query is refused if the detector gives its own language no more than this.
    """

    min_letters: int = Field(ge=1)
    min_words: int = Field(ge=1)
    max_confidence: Share


class LanguageParams(_Params):
    """Language identification; shorthand, which hardly has a language, is judged more leniently."""

    enabled: bool
    prose: IdentificationParams
    shorthand: IdentificationParams


class RuleParams(_Params):
    """All that the rules are set by.

    Attributes:
        length: Bounds on a query's length.
        leftovers: Regular expressions of what a generator leaves behind (placeholders, markup); by name.
        language: Language identification.
    """

    length: LengthParams
    leftovers: dict[str, Annotated[str, AfterValidator(_check_pattern)]]
    language: LanguageParams
