"""By what official titles differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.pipelines.cross_encoder.qualifiers import qualifier_between


@pytest.mark.parametrize(
    ("title", "other", "expected"),
    [
        ("Cellulitis of right lower limb", "Cellulitis of left lower limb", "laterality"),
        (
            "Bilateral primary osteoarthritis of knee",
            "Unilateral primary osteoarthritis, unspecified knee",
            "laterality",
        ),
        (
            "Poisoning by aspirin, accidental (unintentional), initial encounter",
            "Poisoning by aspirin, accidental (unintentional), sequela",
            "encounter",
        ),
        (
            "Mild intermittent asthma, uncomplicated",
            "Mild intermittent asthma with (acute) exacerbation",
            "severity",
        ),
        ("Chronic kidney disease, stage 1", "Chronic kidney disease, stage 2 (mild)", "severity"),
        (
            "Major depressive disorder, single episode, mild",
            "Major depressive disorder, single episode, moderate",
            "severity",
        ),
        (
            "Poisoning by aspirin, intentional self-harm, initial encounter",
            "Poisoning by aspirin, assault, initial encounter",
            "aetiology",
        ),
        ("Primary osteoarthritis, shoulder", "Post-traumatic osteoarthritis, shoulder", "aetiology"),
        ("Pneumonia due to Klebsiella pneumoniae", "Pneumonia due to Pseudomonas", "aetiology"),
        ("Malignant neoplasm of cardia", "Malignant neoplasm of fundus of stomach", "site"),
        (
            "Wedge compression fracture of first lumbar vertebra",
            "Wedge compression fracture of second lumbar vertebra",
            "site",
        ),
    ],
)
def test_titles_of_close_codes(title: str, other: str, expected: str) -> None:
    """Pairs of official titles differ by what a coder would say."""
    assert qualifier_between(title, other) == expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_symmetry(title: str, other: str) -> None:
    """It does not matter which of the two codes is the right one."""
    assert qualifier_between(title, other) == qualifier_between(other, title)
