"""Posted JSON as it is meant: a name that stands twice in an object has no right value."""

import json
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from codisearch.service.problems import ProblemError, repeated


class _StrictRequest(Request):
    async def json(self) -> Any:  # noqa: ANN401  # any JSON value
        """Return the body.

        Raises:
            ProblemError: If an object in it repeats a name.
        """
        return json.loads(await self.body(), object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = Counter(name for name, _ in pairs)
        raise ProblemError(repeated([name for name, times in names.items() if times > 1]))
    return found


class StrictRoute(APIRoute):
    """A route that refuses a JSON body which repeats a name."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return handle
