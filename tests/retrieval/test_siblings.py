"""Codes that differ by one qualifier."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.retrieval.answers import Hit
from codisearch.retrieval.codebook import Codebook
from codisearch.retrieval.siblings import Siblings

RADIUS = "Unspecified fracture of the lower end of {} radius"
OTITIS = "Acute suppurative otitis media {} spontaneous rupture of ear drum"
INITIAL = "initial encounter for closed fracture"
LATER = "subsequent encounter for closed fracture with routine healing"
CODES = [
    ("D68", "", "Other coagulation defects", False),
    ("D68.0", "D68", "Von Willebrand disease", False),
    ("D68.01", "D68.0", "Von Willebrand disease, type 1", True),
    ("D68.02", "D68.0", "Von Willebrand disease, type 2", False),
    ("D68.03", "D68.0", "Von Willebrand disease, type 3", True),
    ("F32", "", "Depressive episode", False),
    ("F32.0", "F32", "Major depressive disorder, single episode, mild", True),
    ("F32.1", "F32", "Major depressive disorder, single episode, moderate", True),
    ("F32.2", "F32", "Major depressive disorder, single episode, severe", True),
    ("F32.3", "F32", "Major depressive disorder, single episode, severe with psychotic features", True),
    ("F33", "", "Major depressive disorder, recurrent", False),
    ("F33.0", "F33", "Major depressive disorder, recurrent, mild", True),
    ("H40", "", "Glaucoma", False),
    ("H40.1131", "H40", "Primary open-angle glaucoma, bilateral, mild stage", True),
    ("H40.1132", "H40", "Primary open-angle glaucoma, bilateral, moderate stage", True),
    ("H40.1121", "H40", "Primary open-angle glaucoma, left eye, mild stage", True),
    ("H66", "", "Suppurative and unspecified otitis media", False),
    (
        "H66.001",
        "H66",
        f"{OTITIS.format('without')}, right ear",
        True,
    ),
    (
        "H66.002",
        "H66",
        f"{OTITIS.format('without')}, left ear",
        True,
    ),
    (
        "H66.011",
        "H66",
        f"{OTITIS.format('with')}, right ear",
        True,
    ),
    ("I50", "", "Heart failure", False),
    ("I50.21", "I50", "Acute systolic (congestive) heart failure", True),
    ("I50.22", "I50", "Chronic systolic (congestive) heart failure", True),
    ("I50.32", "I50", "Chronic diastolic (congestive) heart failure", True),
    ("L89", "", "Pressure ulcer", False),
    ("L89.011", "L89", "Pressure ulcer of right elbow, stage 1", True),
    ("L89.012", "L89", "Pressure ulcer of right elbow, stage 2", True),
    ("L89.022", "L89", "Pressure ulcer of left elbow, stage 2", True),
    ("N18", "", "Chronic kidney disease (CKD)", False),
    ("N18.31", "N18", "Chronic kidney disease, stage 3a", True),
    ("N18.32", "N18", "Chronic kidney disease, stage 3b", True),
    ("N18.9", "N18", "Chronic kidney disease, unspecified", True),
    ("S52", "", "Fracture of forearm", False),
    ("S52.50", "S52", "Unspecified fracture of the lower end of radius", False),
    ("S52.501", "S52.50", RADIUS.format("right"), False),
    ("S52.501A", "S52.501", f"{RADIUS.format('right')}, {INITIAL}", True),
    ("S52.501D", "S52.501", f"{RADIUS.format('right')}, {LATER}", True),
    ("S52.501S", "S52.501", f"{RADIUS.format('right')}, sequela", True),
    ("S52.502", "S52.50", RADIUS.format("left"), False),
    ("S52.502A", "S52.502", f"{RADIUS.format('left')}, {INITIAL}", True),
    ("S52.502D", "S52.502", f"{RADIUS.format('left')}, {LATER}", True),
    ("S52.509", "S52.50", RADIUS.format("unspecified"), False),
    ("S52.509A", "S52.509", f"{RADIUS.format('unspecified')}, {INITIAL}", True),
    ("S52.511A", "S52", f"Displaced fracture of right radial styloid process, {INITIAL}", True),
]
NAMES = [code for code, _parent, _title, _billable in CODES]
BILLABLE = {code: billable for code, _parent, _title, billable in CODES}
SPANISH = "Fractura no especificada del extremo inferior del radio izquierdo"


@pytest.fixture(scope="module")
def siblings() -> Siblings:
    """Return the groups of the codes above, one of which has a Spanish title."""
    empty = [[] for _ in CODES]
    codes = pd.DataFrame(CODES, columns=["code", "parent", "title", "billable"])
    titles = pd.DataFrame([("S52.502A", "es", SPANISH)], columns=["code", "language", "title"])
    confusables = pd.DataFrame([], columns=["code", "confusable", "qualifier", "difference"])
    filled = codes.assign(chapter="01", inclusion_terms=empty, excludes=empty)
    return Siblings(Codebook(filled, titles, confusables, "2026"))


def hit_of(code: str, probability: float = 0.1) -> Hit:
    """Return a hit of which only code and probability matter."""
    return Hit(
        code=code,
        title="",
        title_language="en",
        official_title="",
        billable=BILLABLE[code],
        chapter="01",
        path=(),
        probability=probability,
        score=0.0,
        rank=1,
        first_rank=1,
        second_rank=None,
        alias="",
        alias_language="en",
        alias_source="query",
    )


def differences(siblings: Siblings, code: str) -> dict[str, tuple[str | None, str]]:
    """Return qualifier and value of each choice by its code."""
    return {one.code: (one.qualifier, one.value) for one in siblings.choices(code, None)}


def test_fracture(siblings: Siblings) -> None:
    """Beside a fracture stand other encounters of it and the same encounter of other sides, never both."""
    assert differences(siblings, "S52.501A") == {
        "S52.501A": (None, f"Unspecified, right, {INITIAL}"),
        "S52.501D": ("encounter", LATER),
        "S52.501S": ("encounter", "sequela"),
        "S52.502A": ("laterality", "left"),
        "S52.509A": ("laterality", "unspecified"),
    }


def test_headings_stand_beside_headings(siblings: Siblings) -> None:
    """A heading has other sides beside it, and none of the leaves below it."""
    assert list(differences(siblings, "S52.501")) == ["S52.501", "S52.502", "S52.509"]
    assert list(differences(siblings, "S52.50")) == ["S52.50"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("D68.01", {"D68.01": (None, "type 1"), "D68.03": ("aetiology", "type 3")}),
        (
            "F32.0",
            {
                "F32.0": (None, "single episode, mild"),
                "F32.1": ("severity", "moderate"),
                "F32.2": ("severity", "severe"),
            },
        ),
        (
            "H40.1131",
            {"H40.1131": (None, "bilateral, mild"), "H40.1132": ("severity", "moderate")},
        ),
        (
            "H66.001",
            {
                "H66.001": (None, "Acute, without, right"),
                "H66.002": ("laterality", "left"),
                "H66.011": ("complication", "with"),
            },
        ),
        ("I50.22", {"I50.21": ("temporality", "Acute"), "I50.22": (None, "Chronic")}),
        (
            "L89.012",
            {
                "L89.011": ("severity", "stage 1"),
                "L89.012": (None, "right, stage 2"),
                "L89.022": ("laterality", "left"),
            },
        ),
        ("F33.0", {"F33.0": (None, "recurrent, mild")}),
        ("D68", {"D68": (None, "")}),
    ],
)
def test_qualifiers(siblings: Siblings, code: str, expected: dict[str, tuple[str | None, str]]) -> None:
    """Type, severity, stage, time, complication and side are each told by name, within one category."""
    assert differences(siblings, code) == expected


def test_specificity(siblings: Siblings) -> None:
    """What is unspecified differs from what is told by what is told, whichever of the two is the hit."""
    found = differences(siblings, "N18.9")
    assert (found["N18.31"], found["N18.32"]) == (("severity", "stage 3a"), ("severity", "stage 3b"))
    assert differences(siblings, "N18.31")["N18.9"] == ("severity", "unspecified")


def test_titles_in_a_language(siblings: Siblings) -> None:
    """Choices have the title to show; what differs is read off the official one."""
    left = siblings.choices("S52.501A", "es")[3]
    assert (left.code, left.title, left.value, left.billable) == ("S52.502A", SPANISH, "left", True)
    assert siblings.choices("S52.501A", "es")[0].title == f"{RADIUS.format('right')}, {INITIAL}"


def test_groups(siblings: Siblings) -> None:
    """The best hit takes its siblings along, with the sum of their probabilities; others follow in order."""
    hits = [
        hit_of("S52.502A", 0.4),
        hit_of("I50.22", 0.2),
        hit_of("S52.501A", 0.15),
        hit_of("S52.501D", 0.1),
        hit_of("S52.502D", 0.05),
    ]
    first, second, third = siblings.group(hits, None)
    assert [hit.code for hit in first.hits] == ["S52.502A", "S52.501A", "S52.502D"]
    assert first.hit is hits[0]
    assert first.probability == pytest.approx(0.6)
    assert [one.code for one in first.choices] == ["S52.501A", "S52.502A", "S52.502D", "S52.509A"]
    assert (second.hit.code, second.hits, second.probability) == ("I50.22", (hits[1],), 0.2)
    assert (third.hit.code, third.probability) == ("S52.501D", 0.1)  # a side and an encounter away


def test_no_hits(siblings: Siblings) -> None:
    """No hits make no groups."""
    assert siblings.group([], "es") == ()


@given(st.lists(st.sampled_from(NAMES), unique=True), st.data())
def test_groups_are_a_partition(siblings: Siblings, codes: list[str], data: st.DataObject) -> None:
    """Each hit is in one group, of which the best comes first and is a choice, and the order stays."""
    chances = data.draw(st.lists(st.floats(0, 1), min_size=len(codes), max_size=len(codes)))
    hits = [hit_of(code, chance) for code, chance in zip(codes, chances, strict=True)]
    groups = siblings.group(hits, None)
    assert sorted(hit.code for group in groups for hit in group.hits) == sorted(codes)
    assert [group.hit.code for group in groups] == sorted(
        (group.hit.code for group in groups), key=codes.index
    )
    for group in groups:
        members = [hit.code for hit in group.hits]
        assert group.hit is group.hits[0]
        assert members == sorted(members, key=codes.index)
        assert set(members) <= {one.code for one in group.choices}
        assert {hit.billable for hit in group.hits} == {group.hit.billable}
        assert group.probability == pytest.approx(
            min(1, sum(hit.probability for hit in group.hits)), abs=1e-4
        )


def test_choices_are_mutual(siblings: Siblings) -> None:
    """What is a choice beside a code has that code as a choice, and each code is one beside itself."""
    beside = {code: {one.code for one in siblings.choices(code, None)} for code in NAMES}
    for code, others in beside.items():
        assert code in others
        assert all(code in beside[other] for other in others)
