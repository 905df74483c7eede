"""Batches in which no code stands twice, neither as a positive nor as a negative."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers.base.sampler import DefaultBatchSampler


class UniqueCodeBatchSampler(DefaultBatchSampler):
    """Draws batches of rows whose codes are all different, so that no in-batch negative is a right answer.

    A row that does not fit waits for the next batch. The last rows of an epoch that can no longer fill half
    of what the earlier batches held are left to the next epoch's order.

    Args:
        dataset: Rows in the order of `codes`.
        codes: Per row, every code that it brings into a batch: relevant ones and its negative.
        batch_size: Rows in a batch.
        seed: Seeds the order, together with the epoch.
    """

    def __init__(self, dataset: Any, codes: Sequence[frozenset[str]], batch_size: int, seed: int) -> None:  # noqa: ANN401
        super().__init__(dataset, batch_size=batch_size, drop_last=False, seed=seed)
        self._codes = codes

    def __iter__(self) -> Iterator[list[int]]:
        """Yield lists of row numbers."""
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        waiting = torch.randperm(len(self._codes), generator=generator).tolist()
        smallest = 2
        while waiting:
            batch, waiting = self._next_batch(waiting)
            if len(batch) < smallest:
                return
            smallest = max(smallest, len(batch) // 2)  # few codes make small batches, whatever was asked for
            yield batch

    def _next_batch(self, waiting: list[int]) -> tuple[list[int], list[int]]:
        taken: set[str] = set()
        batch: list[int] = []
        passed: list[int] = []
        for position, row in enumerate(waiting):
            if taken.isdisjoint(self._codes[row]):
                batch.append(row)
                taken |= self._codes[row]
                if len(batch) == self.batch_size:
                    return batch, passed + waiting[position + 1 :]
            else:
                passed.append(row)
        return batch, passed

    def __len__(self) -> int:
        """Return the number of batches of this epoch's order."""
        return sum(1 for _ in self)


@dataclass(frozen=True)
class UniqueCodes:
    """What the trainer asks for its batches: makes a `UniqueCodeBatchSampler` of a dataset.

    Attributes:
        codes: Per row, every code that it brings into a batch.
        seed: Seeds the order.
    """

    codes: Sequence[frozenset[str]]
    seed: int

    def __call__(self, dataset: Any, batch_size: int, **_: object) -> UniqueCodeBatchSampler:  # noqa: ANN401
        """Return the sampler of `dataset`, whose rows are in the order of `codes`."""
        return UniqueCodeBatchSampler(dataset, self.codes, batch_size, self.seed)
