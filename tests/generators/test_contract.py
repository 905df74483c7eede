"""Requests, answers and faults."""

import asyncio

import pytest
from pydantic import SecretStr
from requests_to_send import SETTINGS, make_request

from codisearch.generators.contract import Answer, Generator, Request, TransientFault, Usage


def test_key_is_of_all_that_decides_the_answer():
    """The same request has the same key; what the model sees and the attempt make another."""
    first = make_request(1)
    assert first.key == make_request(1).key
    assert len(first.key) == 32
    changes = [
        {"system": "other"},
        {"user": "other"},
        {"schema": {"type": "array"}},
        {"attempt": 2},
        {"settings": "other"},
    ]
    keys = {make_request(1, **change).key for change in changes}
    assert len(keys) == len(changes)
    assert first.key not in keys


def test_key_is_not_of_what_the_model_does_not_see():
    """What the asker keeps for itself changes nothing."""
    assert make_request(1, meta={"x": 1}, subject="other").key == make_request(1).key


def test_tokens_together():
    """Cached tokens are among those of the prompt."""
    assert Usage(input=100, cached=40, output=10, thinking=5).total == 115


class Careless(Generator):
    """A generator whose faults repeat its key."""

    async def ask(self, request: Request) -> Answer:
        """Fail."""
        raise TransientFault("server_error", f"bad header x-goog-api-key: {self.secret}", 3.0)


def test_faults_never_hold_the_key():
    """Whatever a client raises, the key is blotted out, also in the exceptions behind it."""
    generator = Careless("careless", SETTINGS, SecretStr("very-secret"))
    with pytest.raises(TransientFault) as caught:
        asyncio.run(generator.answer(make_request()))
    assert caught.value.message == "bad header x-goog-api-key: ***"
    assert "very-secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert (caught.value.kind, caught.value.retry_after) == ("server_error", 3.0)
    assert "very-secret" not in repr(generator) + str(vars(generator))
