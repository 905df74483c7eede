"""Fits the probabilities of answers on the validation queries."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from codisearch.languages import LANGUAGES
from codisearch.pipelines.indexing.params import ConfidenceParams
from codisearch.retrieval.confidence import (
    NEVER,
    ConditionalLogit,
    LanguageScale,
    Threshold,
)
from codisearch.retrieval.evidence import Evidence
from codisearch.retrieval.queries import MAX_PRECISION, MIN_PRECISION

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_STEP: Final = 0.01
_SMALLEST: Final = 1e-6
_ITERATIONS: Final = 300


def fit_logit(
    evidence: Evidence,
    right: Flags,
    languages: Sequence[str],
    folds: Sequence[int],
    weights: Floats,
    params: ConfidenceParams,
) -> ConditionalLogit:
    """Return a fitted model with its thresholds.

    Thresholds are read off probabilities that each fold gets from a model of the other folds.

    Args:
        evidence: Of the queries.
        right: (queries, candidates) whether a candidate is a right code.
        languages: The language of each query.
        folds: The fold of each query; queries of one code should share it.
        weights: How much each query counts.
        params: The parameters.
    """
    fold = np.asarray(folds)
    tags = np.asarray(languages, dtype=object)
    held_out = np.zeros(right.shape)
    for one in np.unique(fold):
        inside = fold == one
        if inside.all():
            break  # a single fold: nothing is left to fit on
        model = _fit(_rows(evidence, ~inside), right[~inside], tags[~inside], weights[~inside], params)
        held_out[inside] = model.probabilities(_rows(evidence, inside), tags[inside].tolist())
    best = held_out.argmax(axis=1)
    rows = np.arange(len(right))
    first = held_out[rows, best], right[rows, best]
    thresholds = choose_thresholds(*first, weights, params.least_answers)
    return _fit(evidence, right, tags, weights, params).model_copy(update={"thresholds": thresholds})


def choose_thresholds(
    probability: Floats, right: Flags, weights: Floats, least_answers: int
) -> tuple[Threshold, ...]:
    """Return for precisions from .50 to .99 the least probability that reaches each.

    A threshold never falls as the precision rises. Where fewer than `least_answers` answers would be given,
    the precision counts as out of reach.

    Args:
        probability: Of the first code of each query.
        right: Whether it was right.
        weights: How much each query counts.
        least_answers: See above.
    """
    order = np.argsort(-probability, kind="stable")
    falling = probability[order]
    answered = np.cumsum(weights[order])
    share = np.cumsum((weights * right)[order]) / answered
    # Queries of equal probability are answered together or not at all.
    is_cut = np.r_[np.diff(falling) < 0, True][: len(falling)]
    usable = is_cut & (np.arange(1, len(order) + 1) >= least_answers)
    thresholds: list[Threshold] = []
    for precision in np.arange(MIN_PRECISION, MAX_PRECISION + _STEP / 2, _STEP).round(2):
        reached = np.flatnonzero(usable & (share >= precision))
        if not len(reached):
            thresholds.append(Threshold(precision=float(precision), probability=NEVER, coverage=0.0))
            continue
        last = int(reached[-1])
        thresholds.append(
            Threshold(
                precision=float(precision),
                probability=float(falling[last]),
                coverage=float(answered[last] / answered[-1]),
            )
        )
    return tuple(thresholds)


def _rows(evidence: Evidence, chosen: Flags) -> Evidence:
    return Evidence(evidence.candidates[chosen], evidence.queries[chosen], evidence.filled[chosen])


def _fit(
    evidence: Evidence,
    right: Flags,
    tags: npt.NDArray[np.object_],
    weights: Floats,
    params: ConfidenceParams,
) -> ConditionalLogit:
    """Fit by penalised maximum likelihood, on evidence that is standardised meanwhile."""
    inside = evidence.candidates[evidence.filled]
    centre, spread = _scale_of(inside)
    none_centre, none_spread = _scale_of(evidence.queries)
    candidates = torch.from_numpy((evidence.candidates - centre) / spread)
    queries = torch.from_numpy((evidence.queries - none_centre) / none_spread)
    filled = torch.from_numpy(evidence.filled)
    none_right = ~right.any(axis=1, keepdims=True)
    outcome = torch.from_numpy(np.concatenate([right, none_right], axis=1).astype(np.float64))
    language = torch.from_numpy(np.array([LANGUAGES.index(tag) for tag in tags], dtype=np.int64))
    counts = torch.from_numpy(weights / weights.mean())
    slopes = torch.zeros(candidates.shape[-1], dtype=torch.float64, requires_grad=True)
    none = torch.zeros(queries.shape[-1], dtype=torch.float64, requires_grad=True)
    intercept = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    scales = torch.zeros((2, len(LANGUAGES)), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [slopes, none, intercept, scales], max_iter=_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        scale = torch.exp(scales[0][language])[:, None]
        # Infinity times the scale would make the gradient of the scale undefined, so it comes last.
        utility = torch.where(filled, (candidates @ slopes) * scale, -torch.inf)
        other = (queries @ none + intercept)[:, None] * scale + scales[1][language][:, None]
        shares = torch.softmax(torch.cat([utility, other], dim=1), dim=1)
        likelihood = (counts * torch.log((shares * outcome).sum(dim=1) + _SMALLEST)).mean()
        penalty = params.penalty * (slopes.square().sum() + none.square().sum())
        penalty = penalty + params.language_penalty * scales.square().mean(dim=1).sum()
        total: torch.Tensor = penalty - likelihood
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    plain_weights = slopes.detach().numpy() / spread
    plain_none = none.detach().numpy() / none_spread
    # A constant for every candidate is the same as its opposite for "none".
    constant = float(plain_weights @ centre) - float(plain_none @ none_centre)
    found = scales.detach().numpy()
    return ConditionalLogit(
        weights=tuple(plain_weights.tolist()),
        none_weights=tuple(plain_none.tolist()),
        none_intercept=float(intercept.detach()[0]) + constant,
        languages={
            name: LanguageScale(scale=float(np.exp(found[0, number])), offset=float(found[1, number]))
            for number, name in enumerate(LANGUAGES)
            if name in set(tags)
        },
    )


def _scale_of(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each column; 1 for a column that never varies."""
    spread = values.std(axis=0)
    return values.mean(axis=0), np.where(spread > _SMALLEST, spread, 1.0)
