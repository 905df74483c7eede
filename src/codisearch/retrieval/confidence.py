"""How likely each candidate is to be the code that was meant, and when to say "I do not know".

A conditional logit (McFadden 1974, "Conditional logit analysis of qualitative choice behavior") over the
candidates of a query and one more outcome, none of them: each candidate has a utility, linear in its
evidence, and "none" has one that is linear in the query's. So the probabilities of a query's candidates add
up to at most 1. Each language has a scale and an offset of its own, both drawn towards those of all (Platt
1999 is the same with one outcome). The scale changes no order.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from codisearch.retrieval.evidence import FEATURES, QUERY_FEATURES, Evidence
from codisearch.retrieval.queries import check_precision

NEVER: Final = 2.0
"""A threshold that no probability reaches."""

Floats = npt.NDArray[np.float64]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LanguageScale(_Strict):
    """How far the utilities of one language differ from those of all.

    Attributes:
        scale: All utilities are multiplied by it, above 0.
        offset: Is added to the utility of "none".
    """

    scale: float = Field(default=1.0, gt=0)
    offset: float = 0.0


class Threshold(_Strict):
    """The least probability with which an answer is given at a precision.

    Attributes:
        precision: Share of right first answers among those that are given, on validation.
        probability: The least probability; above 1 where the precision cannot be reached.
        coverage: Share of the validation queries, as they are weighted, that are answered then.
    """

    precision: float
    probability: float
    coverage: float


class ConditionalLogit(_Strict):
    """A fitted model; weights apply to the evidence as it is.

    Attributes:
        features: Names of the candidates' evidence, in order.
        weights: One for each.
        query_features: Names of the queries' evidence, in order.
        none_weights: One for each.
        none_intercept: Of the utility of "none".
        languages: What differs in each language.
        thresholds: From the lowest precision to the highest.
    """

    features: tuple[str, ...] = FEATURES
    weights: tuple[float, ...]
    query_features: tuple[str, ...] = QUERY_FEATURES
    none_weights: tuple[float, ...]
    none_intercept: float
    languages: Mapping[str, LanguageScale] = {}
    thresholds: tuple[Threshold, ...] = ()

    @model_validator(mode="after")
    def _fits_the_evidence(self) -> Self:
        if (self.features, self.query_features) != (FEATURES, QUERY_FEATURES):
            raise ValueError("it was fitted on other evidence than this program reads")
        if (len(self.weights), len(self.none_weights)) != (len(FEATURES), len(QUERY_FEATURES)):
            raise ValueError("it does not have a weight for each piece of evidence")
        return self

    def utilities(self, evidence: Evidence) -> Floats:
        """Return what speaks for each candidate, (queries, candidates), -inf where there is none.

        The more, the more probable, in every language.
        """
        return np.where(evidence.filled, evidence.candidates @ np.array(self.weights), -np.inf)

    def probabilities(self, evidence: Evidence, languages: Sequence[str | None]) -> Floats:
        """Return the probability of each candidate, (queries, candidates); 0 where there is none.

        Args:
            evidence: Of the queries.
            languages: The language of each query; None where it is not known.
        """
        from scipy.special import softmax

        plain = LanguageScale()
        scales = [plain if one is None else self.languages.get(one, plain) for one in languages]
        scale = np.array([one.scale for one in scales])[:, None]
        offset = np.array([one.offset for one in scales])[:, None]
        none = evidence.queries @ np.array(self.none_weights) + self.none_intercept
        together = np.concatenate([self.utilities(evidence) * scale, none[:, None] * scale + offset], axis=1)
        shares: Floats = softmax(together, axis=1)
        return shares[:, :-1]

    def threshold(self, precision: float) -> float:
        """Return the least probability of answers that are right as often as `precision` says.

        Raises:
            InputError: If the precision is not between 0.5 and 0.99.
        """
        check_precision(precision)
        enough = [one.probability for one in self.thresholds if one.precision >= precision - 1e-9]
        return enough[0] if enough else NEVER


class Confidence(_Strict):
    """The models of both ways to search.

    Attributes:
        two_stage: With the second stage.
        first_stage: Without it.
        precision: What is asked of answers where nobody says otherwise.
    """

    two_stage: ConditionalLogit
    first_stage: ConditionalLogit
    precision: float = 0.8

    def model(self, *, rerank: bool = True) -> ConditionalLogit:
        """Return the model of one way to search."""
        return self.two_stage if rerank else self.first_stage

    def threshold(self, precision: float | None = None, *, rerank: bool = True) -> float:
        """Return the least probability with which an answer counts as known.

        Raises:
            InputError: If the precision is not between 0.5 and 0.99.
        """
        return self.model(rerank=rerank).threshold(self.precision if precision is None else precision)
