"""Says how far a coding got."""

from typing import Any, Self


class Progress:
    """A bar on standard error with rows per second and, where their number is known, the time left."""

    def __init__(self, total: int | None = None, *, quiet: bool = False) -> None:
        """Draw a bar.

        Args:
            total: How many rows there are; None where nobody knows.
            quiet: Whether to draw none; there is none without a terminal either.
        """
        from tqdm import tqdm

        self._bar: tqdm[Any] = tqdm(total=total, unit=" rows", disable=True if quiet else None)

    def resume(self, rows: int) -> None:
        """Begin after rows that an earlier run did; they say nothing of the speed of this one."""
        self._bar.initial = rows
        self._bar.update(rows)

    def advance(self, rows: int) -> None:
        """Count rows that were done now."""
        self._bar.update(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
