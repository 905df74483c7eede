"""Which parameters a client may send: unknown ones are ignored, unless it asks for strict handling."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel

from codisearch.service.problems import (
    SHOWN_CHARACTERS,
    SHOWN_ERRORS,
    Problem,
    ProblemError,
    one_line,
    repeated,
)

WITHOUT_EFFECT: Final = frozenset(
    (
        "_format", "_pretty", "_summary", "_elements", "_count", "_total", "_sort", "_contained",
        "_containedType", "includeDefinition", "excludeNested", "excludeNotForUI", "excludePostCoordinated",
        "activeOnly", "date", "abstract",
    )
)  # fmt: skip
"""Standard parameters that strict handling allows too: without them the answer says the same."""
_STRICT: Final = re.compile(r"(?:^|[,;])\s*handling\s*=\s*\"?strict\"?\s*(?:$|[,;])", re.IGNORECASE)


class Known:
    """A dependency that checks the names in a query string against those of an operation.

    Args:
        model: The operation's parameters.
        repeatable: Which of them may come more than once.
    """

    def __init__(self, model: type[BaseModel], *repeatable: str) -> None:
        self._names = names_of(model)
        self._repeatable = repeatable

    async def __call__(self, request: Request) -> None:
        """Check a request.

        Raises:
            ProblemError: If a parameter is repeated, or is unknown and handling strict.
        """
        came = Counter(name for name, _ in parse_qsl(request.url.query, keep_blank_values=True))
        check_known(came, self._names, request)
        more = [name for name, times in came.items() if times > 1 and name in self._names]
        if more := [name for name in more if name not in self._repeatable]:
            raise ProblemError(repeated(more))


def names_of(model: type[BaseModel]) -> set[str]:
    """Return the names of an operation's parameters as clients write them."""
    return {field.alias or name for name, field in model.model_fields.items()}


def check_known(came: Iterable[str], names: set[str], request: Request) -> None:
    """Refuse unknown parameters if the header Prefer says `handling=strict`.

    Raises:
        ProblemError: If there are any.
    """
    unknown = [name for name in came if name not in names | WITHOUT_EFFECT]
    if unknown and any(_STRICT.search(wish) for wish in request.headers.getlist("prefer")):
        shown = ", ".join(f"`{name[:SHOWN_CHARACTERS]}`" for name in unknown[:SHOWN_ERRORS])
        detail = f"No such parameter: {shown}; without `Prefer: handling=strict` it is ignored."
        raise ProblemError(Problem(400, one_line(detail), issue="not-supported"))
