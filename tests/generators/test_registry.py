"""Generators by name, and where their keys come from."""

import asyncio
import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from requests_to_send import SETTINGS, make_request

from codisearch.errors import ConfigurationError
from codisearch.generators.contract import TransientFault, Usage
from codisearch.generators.gemini import GeminiGenerator
from codisearch.generators.openai_compatible import OpenAICompatibleGenerator
from codisearch.generators.registry import Generators

CLASSES = {
    "gemini": "codisearch.generators.gemini.GeminiGenerator",
    "openai": "codisearch.generators.openai_compatible.OpenAICompatibleGenerator",
    "broken": "codisearch.generators.nowhere.Generator",
    "wrong": "codisearch.codes.CodeTree",
    "bare": "Generator",
}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the keys of the machine away."""
    for name in ("GEMINI_API_KEY", "OPENAI_API_KEY", "MY_MODEL_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_key_from_the_credentials():
    """Without a variable in the environment the credentials' key is taken."""
    generator = Generators(CLASSES, {"gemini": SecretStr("from-file")}).create("gemini", SETTINGS)
    assert isinstance(generator, GeminiGenerator)
    assert generator.secret == "from-file"


def test_the_environment_goes_before(monkeypatch: pytest.MonkeyPatch):
    """A variable in the environment is taken before the credentials, an empty one is not."""
    generators = Generators(CLASSES, {"gemini": SecretStr("from-file")})
    monkeypatch.setenv("GEMINI_API_KEY", " from-env ")
    assert generators.create("gemini", SETTINGS).secret == "from-env"
    monkeypatch.setenv("GEMINI_API_KEY", "")
    assert generators.create("gemini", SETTINGS).secret == "from-file"


def test_any_name_has_a_variable(monkeypatch: pytest.MonkeyPatch):
    """A third generator's key is found by its name."""
    monkeypatch.setenv("MY_MODEL_API_KEY", "mine")
    generators = Generators({"my-model": CLASSES["gemini"]})
    assert generators.create("my-model", SETTINGS).secret == "mine"


def test_without_a_key():
    """Who needs one says how to give it; who does not is made without."""
    generators = Generators(CLASSES)
    with pytest.raises(ConfigurationError, match=r"set GEMINI_API_KEY .*conf/local/credentials\.yml"):
        generators.create("gemini", SETTINGS)
    local = SETTINGS.model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    generator = generators.create("openai", local)
    assert isinstance(generator, OpenAICompatibleGenerator)
    assert generator.secret == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nobody", r"Unknown generator 'nobody': allowed are corpus .*bare, broken, gemini, openai, wrong"),
        ("broken", r"'codisearch.generators.nowhere.Generator' .* cannot be imported"),
        ("bare", r"'Generator' .* cannot be imported"),
        ("wrong", r"'codisearch.codes.CodeTree' .* is no subclass of Generator"),
    ],
)
def test_classes_that_do_not_fit(name: str, text: str):
    """An unknown name, a class that is not there and one of another kind are told apart."""
    with pytest.raises(ConfigurationError, match=text):
        Generators(CLASSES, {name: SecretStr("k")}).create(name, SETTINGS)


@pytest.mark.parametrize("key", ["two\nlines", "a b", "clé", "${oc.env:KEY} x"])
def test_a_key_that_cannot_be_one(key: str):
    """What would end in a header, or in an error message, is refused without being shown."""
    with pytest.raises(ConfigurationError, match="copy it anew") as caught:
        Generators(CLASSES, {"gemini": SecretStr(key)}).create("gemini", SETTINGS)
    assert key not in str(caught.value)


def test_keys_are_not_shown():
    """Neither the registry nor a generator shows a key when printed."""
    generators = Generators(CLASSES, {"gemini": SecretStr("very-secret")})
    assert "very-secret" not in repr(generators) + repr(vars(generators.create("gemini", SETTINGS)))


def test_the_third_generator_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The class in docs/generation.md is all that a further generator takes."""
    text = (Path(__file__).parents[2] / "docs" / "generation.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(# my_package/echo\.py\n.*?)```", text, re.DOTALL)
    assert found is not None
    package = tmp_path / "my_package"
    package.mkdir()
    service = """
async def call_my_service(system, user, schema, settings):
    return None if "A01" in user else f"{settings.model}: {user[:9]}"
"""
    (package / "echo.py").write_text(found[1] + service, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    generator = Generators({"echo": "my_package.echo.EchoGenerator"}).create("echo", SETTINGS)

    async def ask(number: int):
        async with generator:
            return await generator.answer(make_request(number))

    answer = asyncio.run(ask(2))
    assert (answer.text, answer.usage) == ("stub: Code: A02", Usage(input=10, output=20))
    with pytest.raises(TransientFault) as caught:
        asyncio.run(ask(1))
    assert caught.value.retry_after == 1.0
