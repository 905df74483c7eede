"""Two tracked runs compared system by system: which belong together, and which cannot be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mlflow.entities import Run

from codisearch.comparison import Comparison, Ranked, compare_ranked, correct_together
from codisearch.errors import InputError, StorageError
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.tracked_runs import SHORT, TrackedRuns, name_of

NOT_RECORDED: Final = "(not recorded)"
_DEPTH: Final = "depth"
Differences = Sequence[tuple[str, str, str]]
"""Name of a parameter, and its values in the first run and the second."""


@dataclass(frozen=True)
class Compared:
    """A pair of systems.

    Attributes:
        comparison: How they differ.
        parameters: In what they were made differently.
    """

    comparison: Comparison
    parameters: Differences


@dataclass(frozen=True)
class ComparedRuns:
    """What two runs have in common, compared.

    Attributes:
        systems: Each pair of systems; all their tests are one family.
        skipped: Why a system could not be compared, by its name.
    """

    systems: tuple[Compared, ...]
    skipped: Mapping[str, str]


def compare_runs(
    store: TrackedRuns, sides: tuple[Run, Run], system: str | None, metric: str, params: BootstrapParams
) -> ComparedRuns:
    """Return how the systems of the second run differ from those of the first.

    Of several systems, one that cannot be compared is skipped.

    Args:
        store: Where the runs are.
        sides: Two evaluations or systems' runs.
        system: Only this one of both.
        metric: One of `comparison.METRICS`.
        params: How intervals and tests are drawn.

    Raises:
        InputError: If no systems can be compared, or both sides are one run.
        StorageError: If the rankings of the only pair cannot be read.
    """
    first, second = (store.systems_of(run) for run in sides)
    pairs = pair_systems(list(first), list(second), system)
    for before, after in pairs:
        _refuse_itself(first[before], second[after])
    found: list[Compared] = []
    skipped: dict[str, str] = {}
    for before, after in pairs:
        try:
            ranked = (
                _ranked(store, first[before], before, after),
                _ranked(store, second[after], after, before),
            )
            compared = compare_ranked(*ranked, metric, params)
        except (InputError, StorageError) as error:
            if len(pairs) == 1:
                raise
            skipped[before] = str(error)
        else:
            changed = differing(first[before].data.params, second[after].data.params)
            found.append(Compared(compared, changed))
    if not found:
        name, reason = next(iter(skipped.items()))
        raise InputError(f"None of the {len(pairs)} systems can be compared. The first, {name}: {reason}")
    corrected = correct_together([one.comparison for one in found])
    together = [Compared(new, one.parameters) for new, one in zip(corrected, found, strict=True)]
    return ComparedRuns(tuple(together), skipped)


def _refuse_itself(before: Run, after: Run) -> None:
    if before.info.run_id == after.info.run_id:
        raise InputError(
            f"Both sides lead to the same run, {name_of(before)}, as an evaluation and a run beneath it do: "
            "give two evaluations, or the runs of two systems."
        )


def _ranked(store: TrackedRuns, run: Run, system: str, other: str) -> Ranked:
    """Return what a system ranked; its name has the id of its run where the other side's is the same."""
    queries, rankings = store.rankings_of(run)
    name = f"{system} of {run.info.run_id[:SHORT]}" if system == other else system
    return Ranked(name, queries, rankings[rankings["system"] == system], depth_of(run))


def depth_of(run: Run) -> int | None:
    """Return how many codes a system's run ranked for each query; None where an older run does not say it.

    Raises:
        InputError: If what it says is no number of codes.
    """
    logged = run.data.params.get(_DEPTH)
    if logged is None:
        return None
    if not (logged.isdecimal() and int(logged)):
        raise InputError(
            f"Run {name_of(run)} has the parameter {_DEPTH} {logged!r}: expected a whole number from 1."
        )
    return int(logged)


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return the parameters that differ: name and both values, those that one side did not record last.

    A parameter that stands as a whole beside its parts (`evaluation` beside `evaluation.depth`) is left out.
    """
    names = sorted({*before, *after})
    wholes = {name for name in names if any(other.startswith(f"{name}.") for other in names)}
    rows = [
        (name, before.get(name, NOT_RECORDED), after.get(name, NOT_RECORDED))
        for name in names
        if name not in wholes and before.get(name) != after.get(name)
    ]
    return sorted(rows, key=lambda row: NOT_RECORDED in row)


def pair_systems(before: Sequence[str], after: Sequence[str], system: str | None) -> list[tuple[str, str]]:
    """Return which systems are compared: the one asked for, those that both have, or the only two there are.

    Raises:
        InputError: If a side lacks the system asked for, or both have none in common.
    """
    if system is not None:
        for side, names in (("first", before), ("second", after)):
            if system not in names:
                raise InputError(f"The {side} run has no system {system!r}: it has {', '.join(names)}.")
        return [(system, system)]
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    common = [(name, name) for name in before if name in after]
    if not common:
        raise InputError(
            f"The runs have no system in common: the first has {', '.join(before)}; the second "
            f"{', '.join(after)}. Give the ids of two systems' runs."
        )
    return common
