"""Requests as the generation pipeline makes them, and a generator that answers as it is told."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from codisearch.generators.contract import Answer, Generator, Request, Usage
from codisearch.generators.settings import ModelSettings, Prices

PRICES = Prices(input=1.0, cached=0.1, output=10.0, batch_share=0.5)
SETTINGS = ModelSettings(model="stub", prices=PRICES)


def make_request(number: int = 1, **changes: Any) -> Request:
    """Return a request about code `A<number>`."""
    code = f"A{number:02}"
    fields: dict[str, Any] = {
        "task": "queries",
        "subject": f"{code} es",
        "system": "Write queries.",
        "user": f"Code: {code}\nTitle: x\nLanguage: Spanish\nQueries: formal 1, lay 1",
        "schema": {"type": "object"},
        "attempt": 1,
        "settings": "s",
        "meta": {"code": code},
    }
    return Request(**(fields | changes))


def make_requests(count: int) -> Iterator[Request]:
    """Yield requests about different codes."""
    return (make_request(number) for number in range(count))


class TestGenerator(Generator):
    """A generator whose answers, or faults, a function gives: of the request and how often it came."""

    __test__ = False
    needs_key = False

    def __init__(self, reply: Callable[[Request, int], Answer | Exception], seconds: float = 0.0) -> None:
        super().__init__("test", SETTINGS)
        self.reply = reply
        self.seconds = seconds
        self.came: list[str] = []
        self.under_way = 0
        self.most_under_way = 0

    async def ask(self, request: Request) -> Answer:
        """Answer as told."""
        self.came.append(request.key)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.under_way -= 1
        reply = self.reply(request, self.came.count(request.key))
        if isinstance(reply, Exception):
            raise reply
        return reply


def say(text: str = "{}", **usage: int) -> Answer:
    """Return an answer of 100 tokens in and 10 out, or as told: 0.0002 at the prices here."""
    return Answer(text, "stop", "STOP", Usage(**({"input": 100, "output": 10} | usage)), "stub-1", 0.5)
