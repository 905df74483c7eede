"""Prompt files: instructions and a request in one Markdown file, with Jinja placeholders."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from codisearch.errors import ConfigurationError

_SECTION: Final = re.compile(r"^## (Instructions|Request)[ \t]*$", re.MULTILINE)
_HASH_LENGTH: Final = 12


@dataclass(frozen=True)
class Prompt:
    """A prompt file.

    Attributes:
        name: The file's name without its ending; a changed prompt is a new file with the next number.
        text: What stands in it.
    """

    name: str
    text: str

    @property
    def hash(self) -> str:
        """Return the first 12 digits of the SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:_HASH_LENGTH]

    @cached_property
    def _sections(self) -> dict[str, Template]:
        pieces = _SECTION.split(self.text)
        found = dict(zip(pieces[1::2], pieces[2::2], strict=True))
        if set(found) != {"Instructions", "Request"}:
            raise ConfigurationError(
                f"The prompt {self.name} needs two sections, ## Instructions and ## Request; "
                f"found: {', '.join(found) or 'none'}."
            )
        environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)  # no HTML
        try:
            return {name: environment.from_string(text.strip()) for name, text in found.items()}
        except TemplateError as error:
            raise ConfigurationError(f"The prompt {self.name} is no template: {error}.") from None

    def instructions(self, **values: object) -> str:
        """Return the instructions.

        Raises:
            ConfigurationError: If the file lacks a section or names a value that there is not.
        """
        return self._render("Instructions", values)

    def request(self, **values: object) -> str:
        """Return the request; see `instructions`."""
        return self._render("Request", values)

    def _render(self, section: str, values: Mapping[str, object]) -> str:
        try:
            return self._sections[section].render(values)
        except TemplateError as error:
            raise ConfigurationError(
                f"The prompt {self.name}: {error}; allowed are {', '.join(sorted(values))}."
            ) from None


def find_prompt(prompts: Mapping[str, Callable[[], str]], name: str) -> Prompt:
    """Return one of the prompt files.

    Raises:
        ConfigurationError: If there is none of that name.
    """
    if name not in prompts:
        raise ConfigurationError(
            f"No prompt {name!r} under conf/base/prompts; there are {', '.join(sorted(prompts))}."
        )
    return Prompt(name, prompts[name]())
