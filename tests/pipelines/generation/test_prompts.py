"""Prompt files."""

import hashlib
from collections.abc import Callable

import pytest

from codisearch.errors import ConfigurationError
from codisearch.pipelines.generation.prompts import Prompt, find_prompt

TEXT = "# Prompt\n\n## Instructions\n\nWrite {{ language }}.\n\n## Request\n\nCode: {{ code }}\n"


def test_sections_are_filled_in():
    """Instructions and request are apart, so that many requests share the first."""
    prompt = Prompt("p-1", TEXT)
    assert prompt.instructions(language="Spanish") == "Write Spanish."
    assert prompt.request(code="E11.9") == "Code: E11.9"


def test_hash_is_of_the_file():
    """It can be checked with sha256sum; one changed letter changes it."""
    assert Prompt("p-1", TEXT).hash == hashlib.sha256(TEXT.encode()).hexdigest()[:12]
    assert Prompt("p-1", TEXT + " ").hash != Prompt("p-1", TEXT).hash


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Write queries.", r"two sections, ## Instructions and ## Request; found: none"),
        ("## Request\n\nx", r"found: Request"),
        ("## Instructions\n\n{% if %}\n\n## Request\n\nx", r"is no template"),
        (
            "## Instructions\n\n{{ langage }}\n\n## Request\n\nx",
            r"'langage' is undefined; allowed are language",
        ),
        ("## Instructions\n\n{{ ''.__class__ }}\n\n## Request\n\nx", r"The prompt p-1: .*unsafe"),
    ],
)
def test_files_that_do_not_fit(text: str, message: str):
    """What is wrong with a prompt file is said with its name."""
    with pytest.raises(ConfigurationError, match=message):
        Prompt("p-1", text).instructions(language="Spanish")


def test_unknown_prompt(prompts: dict[str, Callable[[], str]]):
    """A name that is not there is answered with those that are."""
    with pytest.raises(ConfigurationError, match=r"No prompt 'queries-9'.*audit-2, .*queries-3"):
        find_prompt(prompts, "queries-9")
    assert find_prompt(prompts, "queries-3").text.startswith("# Prompt")
