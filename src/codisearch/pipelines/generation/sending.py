"""Requests on their way: skips what the ledger has, shows how far a run is, and lets it end cleanly."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any, Final, TypeVar

from tqdm import tqdm

from codisearch.errors import ConfigurationError
from codisearch.generators.batch import BatchRun
from codisearch.generators.contract import Answer, BatchGenerator, Generator, Request
from codisearch.generators.ledger import Ledger, OpenJob
from codisearch.generators.ledger_writer import LedgerWriter
from codisearch.generators.meter import Meter
from codisearch.generators.online import Ended, Heard, OnlineRun
from codisearch.pipelines.generation.params import GenerationParams

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
_PATIENCE: Final = 10.0  # seconds for connections to close


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
        rows = 0

        def pending() -> Iterator[Request]:
            skipped = self.ledger.settled_keys() | self._waiting_keys()
            for request in requests:
                keys.append(request.key)
                if request.key in skipped:
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
        params, online = self.params, self.params.mode == "online"
        async with self.generator as generator:
            if isinstance(generator, BatchGenerator):
                # In online mode what jobs of an earlier run have brought by now is collected.
                settings = params.batch.model_copy(update={"wait": False}) if online else params.batch
                batch = BatchRun(generator, self.writer, settings, params.pace, self.meter, heard)
                if not online:
                    return await batch.send(requests, self._open_jobs())
                if jobs := self._open_jobs():
                    await batch.send((), jobs)
            elif not online:
                raise ConfigurationError(
                    f"generation.mode 'batch': {generator.name} takes no batch jobs; allowed is 'online'."
                )
            suspects = self.ledger.last_faults()
            run = OnlineRun(generator, self.writer, params.pace, self.meter, heard, suspects)
            ended = await run.send(requests)
        if waiting := len(self._waiting_keys()):
            return Ended(ended.stopped or f"{waiting} requests are left to batch jobs that are under way")
        return ended

    def _open_jobs(self) -> list[OpenJob]:
        """Return the open jobs of this generator; those of another are left to a run that asks it."""
        digest = self.generator.settings.digest(self.generator.name)
        return [job for job in self.ledger.open_jobs() if job.settings == digest]

    def _waiting_keys(self) -> set[str]:
        """Return the keys of requests that stand in open jobs, and are not to be sent one by one as well."""
        if self.params.mode == "batch":
            return set()
        return {key for job in self._open_jobs() for key in job.keys}


def _run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end, also where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return running.result()
    except KeyboardInterrupt:
        running.cancel()
        raise
    finally:
        asyncio.run_coroutine_threadsafe(_leftovers(), loop).result(_PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE)


async def _leftovers() -> None:
    """Wait until what was cancelled has closed its connections."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
