"""The first pass: a request for each code and language, and rows from its answers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from codisearch.generators.contract import Request
from codisearch.languages import Language
from codisearch.pipelines.generation.answers import Written, schema_of
from codisearch.pipelines.generation.cards import CodeCards
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.prompts import Prompt

TASK: Final = "queries"


@dataclass(frozen=True, slots=True)
class Unit:
    """What one request is about."""

    code: str
    language: Language


@dataclass(frozen=True)
class Writing:
    """Everything that decides what is asked.

    Attributes:
        prompt: The prompt file.
        cards: What is said of a code.
        params: The pipeline's parameters.
    """

    prompt: Prompt
    cards: CodeCards
    params: GenerationParams

    @property
    def source(self) -> str:
        """Return the generator as rows name it: the model, and a digest of how it was asked."""
        return source_of(self.params, self.params.generator)

    def units(self, targets: Sequence[str]) -> list[Unit]:
        """Return the units of some codes, code by code, so that a run that ends early has whole codes."""
        asked = [language for language in self.params.languages if self.params.slots(language)]
        return [Unit(code, language) for code in targets for language in asked]

    def request(self, unit: Unit, attempt: int) -> Request:
        """Return the request for a unit; each further attempt is another request of the same words."""
        values = self.params.wording(unit.language)
        counts = ", ".join(f"{style} {count}" for style, count in self.params.slots(unit.language))
        return Request(
            task=TASK,
            subject=f"{unit.code} {unit.language}",
            system=self._instructions[unit.language],
            user=self.prompt.request(**values, **self.cards.card(unit.code), counts=counts),
            schema=self._schema,
            attempt=attempt,
            settings=self._settings,
            prompt=self.prompt.hash,
            meta={"code": unit.code, "language": unit.language},
        )

    def requests(self, units: Iterable[Unit], attempt: int) -> Iterator[Request]:
        """Yield the requests for some units."""
        return (self.request(unit, attempt) for unit in units)

    @cached_property
    def _instructions(self) -> dict[Language, str]:
        tongues = self.params.languages
        return {tongue: self.prompt.instructions(**self.params.wording(tongue)) for tongue in tongues}

    @cached_property
    def _schema(self) -> dict[str, object]:
        return schema_of(Written)

    @cached_property
    def _settings(self) -> str:
        return self.params.models[self.params.generator].digest(self.params.generator)


def source_of(params: GenerationParams, generator: str) -> str:
    """Return a generator as rows name it: its model, and a digest of everything that decides its answers."""
    settings = params.models[generator]
    return f"{settings.model.rsplit('/', 1)[-1]}-{settings.digest(generator)}"
