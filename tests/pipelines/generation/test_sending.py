"""Requests on their way, and a user who stops them."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from threading import Timer
from typing import Any

import pytest
from requests_to_send import TestGenerator, make_requests, say

from codisearch.generators.ledger import Ledger
from codisearch.generators.meter import Expected, Meter, Spent
from codisearch.generators.settings import Budget
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.sending import Sender, Sent

Make = Callable[..., GenerationParams]


def send(ledger: Ledger, params: GenerationParams, seconds: float = 0.0) -> tuple[Sent, TestGenerator]:
    """Send twenty requests, each answered after some seconds."""
    generator = TestGenerator(lambda *_: say(), seconds)
    with ledger.writing() as writer:
        meter = Meter(Budget(), Spent(), Expected())
        sender = Sender(generator, ledger, writer, meter, params, lambda _: 1)
        return sender.send(make_requests(20), 20, "queries"), generator


def test_keys_are_those_of_all_requests(ledger: Ledger, make_params: Make):
    """Those that are answered already are among them, and are not sent."""
    first, _ = send(ledger, make_params())
    second, generator = send(ledger, make_params())
    assert first.keys == second.keys == tuple(request.key for request in make_requests(20))
    assert generator.came == []


def interrupt_after(seconds: float) -> None:
    """Press Ctrl-C in a moment."""
    Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_ctrl_c(ledger: Ledger, make_params: Make, caplog: pytest.LogCaptureFixture):
    """The run ends at once, says that nothing is lost, and keeps the answers that had come."""
    interrupt_after(0.5)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        send(ledger, make_params(pace={"concurrency": 1}), 0.2)
    assert time.monotonic() - started < 2
    assert "Interrupted. All answers are kept in" in caplog.text
    assert 0 < ledger.totals().spent.answers < 20


def test_ctrl_c_in_a_notebook(ledger: Ledger, make_params: Make):
    """Where an event loop runs already, the thread that sends is stopped as well."""

    async def cell() -> Any:
        interrupt_after(0.5)
        return send(ledger, make_params(pace={"concurrency": 1}), 0.2)

    loop = asyncio.new_event_loop()  # as a notebook's kernel has one: without asyncio.run's own handler
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(cell())
    loop.close()
    answers = ledger.totals().spent.answers
    assert 0 < answers < 20
    time.sleep(0.5)
    assert ledger.totals().spent.answers == answers
