"""Batches in which no code stands twice."""

from hypothesis import given
from hypothesis import strategies as st

from codisearch.pipelines.bi_encoder.sampling import UniqueCodeBatchSampler, UniqueCodes

ROWS = st.lists(st.frozensets(st.sampled_from("ABCDEFGH"), min_size=1, max_size=3), min_size=1, max_size=60)


def sampler_of(codes: list[frozenset[str]], batch_size: int, seed: int) -> UniqueCodeBatchSampler:
    """Return a sampler as the trainer makes it."""
    rows = list(range(len(codes)))
    return UniqueCodes(codes, seed)(rows, batch_size, drop_last=False, valid_label_columns=[])


@given(ROWS, st.integers(2, 20), st.integers(0, 5), st.integers(0, 3))
def test_no_code_twice_no_row_twice(
    codes: list[frozenset[str]], batch_size: int, seed: int, epoch: int
) -> None:
    """In any epoch: codes of a batch are disjoint, rows do not repeat, and batches have two rows at least."""
    sampler = sampler_of(codes, batch_size, seed)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert len(sampler) == len(batches)
    for batch in batches:
        assert 2 <= len(batch) <= batch_size
        assert len(frozenset.union(*(codes[row] for row in batch))) == sum(len(codes[row]) for row in batch)
    rows = [row for batch in batches for row in batch]
    assert len(rows) == len(set(rows))
    assert batches == list(sampler)


@given(st.integers(2, 40), st.integers(2, 16), st.integers(0, 5))
def test_rows_of_different_codes_fill_batches(count: int, batch_size: int, seed: int) -> None:
    """Where all codes differ, batches are full, and at most a small last one is left out."""
    batches = list(sampler_of([frozenset({str(row)}) for row in range(count)], batch_size, seed))
    sizes = [len(batch) for batch in batches]
    assert all(size == min(batch_size, count) for size in sizes[:-1])
    assert count - sum(sizes) < max(2, min(batch_size, count) / 2)


def test_few_codes_make_small_batches() -> None:
    """Ten rows of five codes, with 100 wanted in a batch, are two batches of five, not none."""
    codes = [frozenset({code}) for code in "ABCDE" * 2]
    assert [len(batch) for batch in sampler_of(codes, 100, seed=1)] == [5, 5]


def test_rows_that_do_not_fit_wait() -> None:
    """Two rows of A and two of B are two batches of an A and a B each."""
    codes = [frozenset({code}) for code in "AABB"]
    batches = list(sampler_of(codes, 4, seed=3))
    assert sorted(sorted(batch) for batch in batches) in ([[0, 2], [1, 3]], [[0, 3], [1, 2]])


def test_one_code_makes_no_batch() -> None:
    """Rows of one code can stand in no batch together."""
    assert list(sampler_of([frozenset("A")] * 5, 4, seed=1)) == []


def test_order_depends_on_seed_and_epoch() -> None:
    """The same seed and epoch give the same batches; another seed or epoch gives others."""
    codes = [frozenset({str(row)}) for row in range(40)]
    orders = []
    for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0)):
        sampler = sampler_of(codes, 8, seed)
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0] != orders[3]
