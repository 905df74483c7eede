"""Requests on their way: skips what the ledger has, shows how far a run is, and lets it end cleanly."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from tqdm import tqdm

from codisearch.errors import ConfigurationError
from codisearch.generators.batch import BatchRun
from codisearch.generators.contract import Answer, BatchGenerator, Generator, Request
from codisearch.generators.ledger import Ledger, LedgerWriter
from codisearch.generators.meter import Meter
from codisearch.generators.online import Ended, Heard, OnlineRun
from codisearch.pipelines.generation.params import GenerationParams

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Sent:
    """What became of a round of requests.

    Attributes:
        keys: Keys of all of them, those that were answered before among them, in their order.
        stopped: Why the run ended before all were sent; empty if it did not.
    """

    keys: tuple[str, ...]
    stopped: str


@dataclass(frozen=True)
class Sender:
    """Sends rounds of requests of one task.

    Attributes:
        generator: Who is asked; opened and closed here.
        ledger: The ledger, for reading.
        writer: The same, for writing.
        meter: What is spent and may be spent.
        params: Mode, pace and batch settings.
        rows_in: How many rows an answer holds, for the progress bar.
    """

    generator: Generator
    ledger: Ledger
    writer: LedgerWriter
    meter: Meter
    params: GenerationParams
    rows_in: Callable[[Answer], int]

    def send(self, requests: Iterable[Request], total: int, title: str) -> Sent:
        """Send what is not answered yet, and return once all is over or the run has to stop.

        Raises:
            ConfigurationError: If batch mode is asked of a generator that has none.
            GeneratorError: If the service refuses the key or the model.
        """
        keys: list[str] = []
        bar = tqdm(total=total, desc=title, unit="request", mininterval=0.5, dynamic_ncols=True)
        settled = self.ledger.settled_keys()
        rows = 0

        def pending() -> Iterator[Request]:
            for request in requests:
                keys.append(request.key)
                if request.key in settled:
                    bar.update()
                else:
                    yield request

        def heard(request: Request, answer: Answer | None) -> None:
            nonlocal rows
            rows += self.rows_in(answer) if answer else 0
            money = f"{self.meter.money:,.2f} {self.generator.settings.prices.currency}"
            bar.set_postfix_str(f"{rows:,} rows, {self.meter.tokens:,} tokens, {money}", refresh=False)
            bar.update()

        todo = pending()
        try:
            ended = _run(self._run(todo, heard))
        except KeyboardInterrupt:
            logger.warning(
                "Interrupted. All answers are kept in %s; the same command goes on.", self.ledger.path
            )
            raise
        finally:
            bar.close()
        for _ in todo:  # the keys of what a run that stopped early did not come to
            pass
        return Sent(tuple(keys), ended.stopped)

    async def _run(self, requests: Iterator[Request], heard: Heard) -> Ended:
        async with self.generator as generator:
            if self.params.mode == "online":
                run = OnlineRun(generator, self.writer, self.params.pace, self.meter, heard)
                return await run.send(requests)
            if not isinstance(generator, BatchGenerator):
                raise ConfigurationError(
                    f"generation.mode 'batch': {generator.name} takes no batch jobs; allowed is 'online'."
                )
            batch = BatchRun(generator, self.writer, self.params.batch, self.params.pace, self.meter, heard)
            return await batch.send(requests, self.ledger.open_jobs())


def _run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end, also where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
