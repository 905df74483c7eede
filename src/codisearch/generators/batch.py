"""Requests handed in as batch jobs: half the price, an answer within hours, nothing lost by a restart."""

import asyncio
import logging
import uuid
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from codisearch.generators.contract import (
    UNREADABLE,
    Answer,
    BatchGenerator,
    ExhaustedFault,
    FatalFault,
    Fault,
    Job,
    Request,
    RequestFault,
    TransientFault,
)
from codisearch.generators.ledger import OpenJob
from codisearch.generators.ledger_writer import LedgerWriter
from codisearch.generators.meter import Meter, cost_of
from codisearch.generators.online import Ended, Heard
from codisearch.generators.retries import retrying
from codisearch.generators.settings import BatchSettings, Pace

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
_WAITING = "batch job(s) are under way; the same command collects their answers later"


class BatchRun:
    """Hands in requests as jobs, watches the jobs and collects their answers.

    Args:
        generator: An open generator.
        writer: The ledger.
        settings: How jobs are cut and watched.
        pace: How often a call is made again when the service does not answer it, and how often a request is
            handed in again when its job brought no answer.
        meter: What is spent and may be spent.
        heard: Told of every request that is over.
    """

    def __init__(
        self,
        generator: BatchGenerator,
        writer: LedgerWriter,
        settings: BatchSettings,
        pace: Pace,
        meter: Meter,
        heard: Heard,
    ) -> None:
        self._generator = generator
        self._writer = writer
        self._settings = settings
        self._pace = pace
        self._meter = meter
        self._heard = heard
        self._requests: dict[str, Request] = {}
        self._pending: deque[str] = deque()
        self._tries: Counter[str] = Counter()

    async def send(self, requests: Iterable[Request], open_jobs: Iterable[OpenJob]) -> Ended:
        """Hand in requests, and collect what they and the jobs of earlier runs bring.

        Args:
            requests: What is not answered yet; what stands in an open job is left to that job.
            open_jobs: The jobs of earlier runs that the ledger has no end of.

        Raises:
            GeneratorError: If the service refuses the key or the model.
        """
        try:
            watched = [job for job in [await self._recognise(job) for job in open_jobs] if job]
            taken = {key for job in watched for key in job.keys}
            self._meter.under_way += len(taken)
            self._requests = {request.key: request for request in requests}
            self._pending.extend(key for key in self._requests if key not in taken)
            return await self._until_done(watched)
        except FatalFault as fault:
            raise self._generator.refused(fault) from None
        except Fault as fault:
            logger.warning("No further jobs are handed in: %s.", fault)
            return Ended(str(fault))

    async def _until_done(self, watched: list[OpenJob]) -> Ended:
        while True:
            watched, stopped = await self._hand_in(watched)
            watched = await self._collect(watched)
            if not watched and (stopped or not self._pending):
                return Ended(stopped)
            if watched and not self._settings.wait:
                return Ended(f"{len(watched)} {_WAITING}")
            if watched:
                await asyncio.sleep(self._settings.poll_seconds)

    async def _hand_in(self, watched: list[OpenJob]) -> tuple[list[OpenJob], str]:
        """Hand in jobs as far as limit and budget go; return the open jobs, and why no more were."""
        watched = list(watched)
        while self._pending and len(watched) < self._settings.open_jobs:
            size = self._meter.affordable(min(self._settings.requests_per_job, len(self._pending)))
            if size == 0:
                refusal = self._meter.refusal() or "the budget is used up"
                logger.warning("No further jobs are handed in: %s.", refusal)
                return watched, refusal
            watched.append(await self._submit([self._pending.popleft() for _ in range(size)]))
        return watched, ""

    async def _submit(self, keys: list[str]) -> OpenJob:
        requests = [self._requests[key] for key in keys]
        task, label = requests[0].task, f"codisearch-{uuid.uuid4().hex}"
        self._writer.job_prepared(label, task, keys, requests[0].settings)
        self._writer.sent(requests, job=label)
        self._meter.send(len(keys))
        self._tries.update(keys)
        asked = False

        async def submit() -> str:
            # A call without an answer may have handed the job in all the same.
            nonlocal asked
            if asked and (name := await self._generator.find(label)):
                return name
            asked = True
            return await self._generator.submit(label, requests)

        try:
            name = await self._call(submit)
        except (FatalFault, RequestFault, ExhaustedFault) as fault:
            self._writer.job_ended(label, task, fault.message)
            raise
        self._writer.job_submitted(label, task, name)
        logger.info("Batch job %s: %d requests handed in.", name, len(keys))
        return OpenJob(label, name, task, tuple(keys), requests[0].settings)

    async def _recognise(self, job: OpenJob) -> OpenJob | None:
        """Return an open job with the service's name, or None if it was never handed in."""
        if job.name:
            return job
        name = await self._call(lambda: self._generator.find(job.label))
        if name is None:
            self._writer.job_ended(job.label, job.task, "never handed in")
            return None
        self._writer.job_submitted(job.label, job.task, name)
        return replace(job, name=name)

    async def _collect(self, watched: Iterable[OpenJob]) -> list[OpenJob]:
        """Write the answers of jobs that have ended into the ledger, and return the others."""
        still = []
        for job in watched:
            seen = await self._look(job)
            if seen.state == "running":
                still.append(job)
            else:
                results = await self._results(job) if seen.state == "done" else {}
                self._end(job, seen, results)
        return still

    async def _look(self, job: OpenJob) -> Job:
        return await self._call(lambda: self._generator.look(job.name))

    async def _results(self, job: OpenJob) -> dict[str, Answer | Fault]:
        async def read() -> dict[str, Answer | Fault]:
            return {key: result async for key, result in self._generator.results(job.name)}

        return await self._call(read)

    def _end(self, job: OpenJob, seen: Job, results: dict[str, Answer | Fault]) -> None:
        lost = TransientFault("server_error", f"batch job {job.name} ended without it ({seen.detail})")
        prices = self._generator.settings.prices
        rows: list[tuple[str, Answer | Fault, float]] = []
        for key in job.keys:
            result = results.get(key, lost)
            if isinstance(result, Answer):
                rows.append((key, result, cost_of(result.usage, prices, batch=True)))
            else:
                rows.append((key, result.without(self._generator.secret), 0.0))
        self._writer.job_ended(job.label, job.task, seen.detail, rows)
        for row in rows:
            self._settle(*row)
        answered = sum(isinstance(result, Answer) for _, result, _ in rows)
        logger.info("Batch job %s: %s, %d of %d answered.", job.name, seen.detail, answered, len(rows))

    def _settle(self, key: str, result: Answer | Fault, money: float) -> None:
        request = self._requests.get(key)
        if isinstance(result, Answer):
            self._meter.settle(result.usage, money)
        else:
            self._meter.drop()
            if request and isinstance(result, TransientFault) and self._tries[key] < self._pace.tries:
                self._pending.append(key)
                return
        if request:
            self._heard(request, result if isinstance(result, Answer) else None)

    async def _call(self, function: Callable[[], Awaitable[Result]]) -> Result:
        """Call the service, again where that may help; a fault's message never holds the key."""

        async def masked() -> Result:
            try:
                return await function()
            except Fault as fault:
                raise fault.without(self._generator.secret) from None
            except UNREADABLE as error:
                raise TransientFault("server_error", f"an unreadable response: {error}") from None

        return await retrying(self._pace)(masked)
