"""What the routes share: the retriever once it is there, the workers and the settings."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from codisearch.errors import CodisearchError
from codisearch.retrieval import Retriever
from codisearch.service.limits import RETRY_AFTER
from codisearch.service.metrics import Metrics
from codisearch.service.problems import Problem, ProblemError, one_line
from codisearch.service.runner import Runner
from codisearch.service.settings import ServiceSettings

LOGGER = logging.getLogger("codisearch.service")


@dataclass
class ServiceState:
    """The state of one app.

    Attributes:
        source: The retriever, or the bundle that it is loaded from.
        settings: Limits and switches.
        metrics: Counters.
        runner: The workers.
        loaded: The retriever once it is loaded and warm.
        failure: Why it could not be loaded; empty while it still can.
    """

    source: Retriever | Path
    settings: ServiceSettings
    metrics: Metrics
    runner: Runner = field(init=False)
    loaded: Retriever | None = None
    failure: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load the bundle in the background, and have workers, until the block ends."""
        self.runner = Runner(self.settings, self.metrics)
        loading = asyncio.get_running_loop().run_in_executor(None, self._load)
        try:
            yield
        finally:
            await loading
            self.runner.close()

    @property
    def retriever(self) -> Retriever:
        """The retriever.

        Raises:
            ProblemError: If it is not there yet, or cannot be loaded.
        """
        if self.loaded is None:
            detail = self.failure or "The service is starting: the bundle is being loaded."
            raise ProblemError(Problem(503, detail, headers=RETRY_AFTER))
        return self.loaded

    def _load(self) -> None:
        """Load the bundle, and all that is otherwise loaded at the first search."""
        try:
            retriever = Retriever.load(self.source) if isinstance(self.source, Path) else self.source
            retriever.warm_up()
        except Exception as error:  # in a thread of its own: what is not told here is never known
            told = str(error) if isinstance(error, CodisearchError) else type(error).__name__
            self.failure = one_line(f"The bundle cannot be served: {told}")
            LOGGER.error("bundle cannot be served", extra={"cause": self.failure})
            return
        self.metrics.describe(retriever.manifest)
        self.loaded = retriever


def _state_of(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_state_of)]
"""The state of the app, as a parameter of a route."""
