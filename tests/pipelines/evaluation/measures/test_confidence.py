"""What the probability of a first answer is worth."""

import numpy as np
import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures import confidence
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams

BOOTSTRAP = BootstrapParams(resamples=400, telling_codes=2)


def answers_of(
    probability: list[float], right: list[bool], language: str = "es", *, seen: bool = True
) -> pd.DataFrame:
    """Return first answers, each for a code of its own."""
    count = len(right)
    return pd.DataFrame(
        {
            "query_id": [f"{language}{number}" for number in range(count)],
            "language": language,
            "seen": seen,
            "probability": probability,
            "right": right,
            "cluster": np.arange(count),
        }
    )


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """Return twenty answers with .2, of which 8 are right, and twenty with .9, of which 15 are."""
    right = [True] * 8 + [False] * 12 + [True] * 15 + [False] * 5
    return answers_of([0.2] * 20 + [0.9] * 20, right)


def values(quality: pd.DataFrame, language: str = "all", seen: str = "all") -> dict[str, float]:
    """Return the measures of a slice by name."""
    rows = quality[(quality["language"] == language) & (quality["seen"] == seen)]
    return dict(zip(rows["measure"], rows["value"], strict=True))


def test_quality_by_hand(answers: pd.DataFrame) -> None:
    """The two bins are .2 and .15 off, both with half of the queries: an ECE of .175.

    Brier: (8 * .64 + 12 * .04 + 15 * .01 + 5 * .81) / 40 = 9.8 / 40. By chance a bin is off by sqrt(2 / pi)
    times the root of 20 * .16 or 20 * .09 answers.
    """
    quality = confidence.measure_quality(answers, BOOTSTRAP)
    assert tuple(quality.columns) == confidence.QUALITY_COLUMNS
    assert values(quality) == pytest.approx(
        {
            "mean_probability": 0.55,
            "share_right": 23 / 40,
            "overconfidence": -0.025,
            "brier": 0.245,
            "ece": 0.175,
            "ece_by_chance": np.sqrt(2 / np.pi) * (np.sqrt(3.2) + np.sqrt(1.8)) / 40,
        }
    )
    assert values(quality) == values(quality, "es") == values(quality, seen="seen")
    assert (quality["queries"] == 40).all()


def test_errors_of_a_bin_cancel_and_those_of_two_do_not() -> None:
    """Over- and underconfidence of the same size have the mean 0, and an ECE of .25."""
    right = [True] * 15 + [False] * 5 + [True] * 5 + [False] * 15
    found = values(confidence.measure_quality(answers_of([0.5] * 20 + [0.501] * 20, right), BOOTSTRAP))
    assert found["overconfidence"] == pytest.approx(0.0005)
    assert found["ece"] == pytest.approx((0.25 + 0.251) / 2)
    same = values(confidence.measure_quality(answers_of([0.5] * 40, right), BOOTSTRAP))
    assert same["ece"] == pytest.approx(0.0)


def test_intervals(answers: pd.DataFrame) -> None:
    """Every measure but the expectation has an interval around it; that of the ECE does not go below 0."""
    quality = confidence.measure_quality(answers, BOOTSTRAP).query("language == 'all' and seen == 'all'")
    rows = quality.set_index("measure")
    assert rows.loc["ece_by_chance", ["low", "high"]].isna().all()
    rest = rows.drop("ece_by_chance")
    assert ((rest["low"] < rest["value"]) & (rest["value"] < rest["high"])).all()
    right = [True] * 11 + [False] * 9
    near = confidence.measure_quality(answers_of([0.5] * 20, right), BOOTSTRAP).set_index("measure")
    assert near.loc["ece", "low"].tolist() == [0.0] * 3


def test_intervals_are_over_codes(answers: pd.DataFrame) -> None:
    """Four phrasings of each code, right and wrong together, tell less than forty codes."""
    widths = []
    for cluster in (np.arange(40), np.arange(40) // 4):
        quality = confidence.measure_quality(answers.assign(cluster=cluster), BOOTSTRAP)
        row = quality.set_index(["language", "seen", "measure"]).loc[("all", "all", "share_right")]
        widths.append(row["high"] - row["low"])
    assert widths[1] > 1.4 * widths[0]


def test_slices() -> None:
    """Languages come in the project's order, sides last, each with its own queries."""
    both = pd.concat(
        [answers_of([0.5] * 4, [True] * 4, "fr", seen=False), answers_of([0.5] * 6, [False] * 6, "en")]
    )
    quality = confidence.measure_quality(both, BOOTSTRAP)
    shares = quality[quality["measure"] == "share_right"]
    assert shares[["language", "seen", "value", "queries"]].to_numpy().tolist() == [
        ["all", "all", 0.4, 10],
        ["en", "all", 0.0, 6],
        ["fr", "all", 1.0, 4],
        ["all", "seen", 0.0, 6],
        ["all", "unseen", 1.0, 4],
    ]


def test_ece_by_chance_is_the_ece_of_calibrated_probabilities() -> None:
    """Over many samples of answers that are right with their probability, the mean ECE comes to it."""
    generator = np.random.default_rng(4)
    found = []
    for _ in range(60):
        probability = generator.beta(2.0, 1.0, size=600)
        right = generator.random(600) < probability
        frame = answers_of(probability.tolist(), right.tolist())
        found.append(values(confidence.measure_quality(frame, BootstrapParams(resamples=1))))
    eces = [one["ece"] for one in found]
    chances = [one["ece_by_chance"] for one in found]
    assert np.mean(eces) == pytest.approx(np.mean(chances), rel=0.1)


def test_reliability_by_hand(answers: pd.DataFrame) -> None:
    """Equal probabilities share a bin, at the mean of their ranks."""
    table = confidence.measure_reliability(answers, BOOTSTRAP)
    assert tuple(table.columns) == confidence.RELIABILITY_COLUMNS
    assert table["bin"].tolist() == [4, 12]
    assert table["probability"].tolist() == pytest.approx([0.2, 0.9])
    assert table["right"].tolist() == pytest.approx([0.4, 0.75])
    assert table["queries"].tolist() == [20, 20]
    assert ((table["low"] < table["right"]) & (table["right"] < table["high"])).all()


def test_bins_are_of_equal_mass_whatever_the_order() -> None:
    """Forty-five different probabilities, crowded near 1, make fifteen bins of three."""
    probability = [1.0 - 0.5**number for number in range(1, 46)]
    frame = answers_of(probability, [number % 3 == 0 for number in range(45)])
    table = confidence.measure_reliability(frame, BOOTSTRAP)
    assert table["queries"].tolist() == [3] * 15
    assert table["right"].tolist() == pytest.approx([1 / 3] * 15)
    mixed = confidence.measure_reliability(frame.sample(frac=1.0, random_state=1), BOOTSTRAP)
    pd.testing.assert_frame_equal(table.drop(columns=["low", "high"]), mixed.drop(columns=["low", "high"]))


def test_coverage_by_hand() -> None:
    """Of the probabilities .9, .7, .7, .3 the second and the last answer are wrong; equals come together."""
    table = confidence.measure_coverage(answers_of([0.7, 0.9, 0.3, 0.7], [False, True, False, True]))
    assert tuple(table.columns) == confidence.COVERAGE_COLUMNS
    assert table.to_numpy().tolist() == [
        pytest.approx([0.9, 0.25, 1.0, 1]),
        pytest.approx([0.7, 0.75, 2 / 3, 3]),
        pytest.approx([0.3, 1.0, 0.5, 4]),
    ]


def test_coverage_of_many_is_thinned() -> None:
    """A thousand thresholds become two hundred, evenly spread, and the last still answers everything."""
    frame = answers_of(np.linspace(0.001, 1.0, 1000).tolist(), [True] * 1000)
    table = confidence.measure_coverage(frame)
    assert table["answered"].tolist() == list(range(5, 1001, 5))
    assert table["threshold"].iloc[-1] == pytest.approx(0.001)


def test_promises_by_hand(answers: pd.DataFrame) -> None:
    """From .9 on half is answered, .75 of it rightly; from .2 on all, .575 of it; beyond 1 nothing."""
    thresholds = {0.5: 0.2, 0.8: 0.9, 0.9: 0.2, 0.95: np.inf}
    table = confidence.measure_promises(answers, thresholds, BOOTSTRAP)
    assert tuple(table.columns) == confidence.PROMISE_COLUMNS
    overall = table[(table["language"] == "all") & (table["seen"] == "all")].set_index("asked")
    assert overall["answered"].tolist() == [40, 20, 40, 0]
    assert overall["coverage"].tolist() == [1.0, 0.5, 1.0, 0.0]
    assert overall["precision"].tolist() == pytest.approx([0.575, 0.75, 0.575, np.nan], nan_ok=True)
    assert overall["kept"].tolist() == ["yes", "perhaps", "no", "no answers"]
    half = overall.loc[0.8]
    assert half["coverage_low"] < 0.5 < half["coverage_high"]
    assert half["precision_low"] < 0.75
    assert half["precision_high"] > 0.8
    assert overall.loc[0.95, ["precision_low", "precision_high"]].isna().all()


def test_promise_of_too_few_answers() -> None:
    """Two answers, one of them right, have no interval that could tell whether .8 is missed."""
    table = confidence.measure_promises(answers_of([0.9, 0.9], [True, False]), {0.8: 0.5}, BootstrapParams())
    assert table["kept"].tolist() == ["perhaps"] * 3
    assert table["precision_high"].isna().all()


def test_nothing_to_measure(answers: pd.DataFrame) -> None:
    """Without queries every table has its columns and no row."""
    none = answers.head(0)
    assert confidence.measure_quality(none, BOOTSTRAP).empty
    assert confidence.measure_promises(none, {0.8: 0.5}, BOOTSTRAP).empty
    for table, columns in (
        (confidence.measure_reliability(none, BOOTSTRAP), confidence.RELIABILITY_COLUMNS),
        (confidence.measure_coverage(none), confidence.COVERAGE_COLUMNS),
    ):
        assert table.empty
        assert tuple(table.columns) == columns
