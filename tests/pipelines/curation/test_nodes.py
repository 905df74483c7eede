"""The nodes, one after the other, lose no row and keep their schemas."""

import json
from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from codisearch.errors import InputError
from codisearch.pipelines.curation import create_pipeline, nodes
from codisearch.pipelines.curation.params import CurationParams
from codisearch.pipelines.curation.reports import nearest_in_train
from codisearch.rules.text import keys_of
from codisearch.schemas import PAIRS, REJECTED_PAIRS, VALID_PAIRS

Make = Callable[..., pd.DataFrame]
Row = tuple[str, str, str, str]
ROWS: list[Row] = [
    ("dolor torácico opresivo", "R07.9", "es", "formal"),
    ("Dolor torácico opresivo.", "R07.9", "es", "lay"),
    ("me duele el pecho", "R07.9", "es", "lay"),
    ("dolor torácico opresivo", "I21.9", "es", "formal"),
    ("IAM con ↑ST", "I21.9", "es", "shorthand"),
    ("infarto agudo de miocardio", "I21.9", "es", "formal"),
    ("infart agut de miocardi", "I21.9", "ca", "formal"),
    ("infarto agudo de miocardio", "I21.9", "pt", "formal"),
    ("azúcar alta desde niño", "E10.9", "es", "lay"),
    ("DM2 s/ complic.", "E11.9", "es", "shorthand"),
    ("asma bronquial leve", "J45.909", "es", "formal"),
    ("asma bronquial levE", "J45.909", "pt", "formal"),
    ("high blood pressure", "I10", "en", "lay"),
    ("essential primary hypertension", "I10", "en", "title"),
    ("{nombre} con tos", "R07.9", "es", "lay"),
    ("tos", "R99.99", "es", "lay"),
]


def run_all(
    raw: pd.DataFrame, code_set: pd.DataFrame, params: CurationParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return pairs and rejected pairs, checking each step's schema and sum of rows."""
    valid, refused = nodes.validate_pairs(raw, code_set, params)
    VALID_PAIRS.validate(valid)
    assert len(valid) + len(refused) == len(raw)
    near = nodes.find_near_duplicates(valid, params)
    distinct, repeats = nodes.deduplicate(valid, near, params)
    assert len(distinct) + len(repeats) == len(valid)
    clustered = nodes.cluster_pairs(distinct, near, params)
    pairs, titles = nodes.split_pairs(clustered, near, code_set, params)
    assert len(pairs) + len(titles) == len(clustered)
    rejected = nodes.collect_rejections(refused, repeats, titles)
    PAIRS.validate(pairs)
    REJECTED_PAIRS.validate(rejected)
    assert sorted([*pairs["pair_id"], *rejected["pair_id"]]) == sorted(raw["pair_id"])
    return pairs, rejected


def test_worked_example(make_pairs: Make, code_set: pd.DataFrame, params: CurationParams) -> None:
    """Refusals, repeats, links and conflicting codes of sixteen rows come out as worked by hand."""
    raw = make_pairs(*ROWS)
    before = raw.copy(deep=True)
    pairs, rejected = run_all(raw, code_set, params)
    refusals = dict(zip(rejected["pair_id"], rejected["rule"], strict=True))
    assert {"p14": "leftover", "p15": "unknown_code", "p1": "exact_duplicate"}.items() <= refusals.items()
    assert set(refusals) <= {"p1", "p13", "p14", "p15"}  # the title p13 goes only if its code is held out
    links = pairs.set_index("pair_id")["duplicate_of"]
    assert links[links != ""].to_dict() == {"p7": "p5", "p11": "p10"}
    clusters = pairs.set_index("pair_id")["cluster"]
    assert clusters["p0"] == clusters["p3"] != clusters["p4"]
    assert pairs["seen"].equals(pairs["code"].isin(pairs.loc[pairs["split"] == "train", "code"]))
    pd.testing.assert_frame_equal(raw, before)


def test_drop_across_languages(make_pairs: Make, code_set: pd.DataFrame, params: CurationParams) -> None:
    """With `drop` the repeats in another language are refused and nothing is linked."""
    near = params.near_duplicates.model_copy(update={"across_languages": "drop"})
    pairs, rejected = run_all(
        make_pairs(*ROWS), code_set, params.model_copy(update={"near_duplicates": near})
    )
    assert {"p7", "p11"} <= set(rejected["pair_id"])
    assert set(pairs["duplicate_of"]) == {""}


def test_nothing_left(make_pairs: Make, code_set: pd.DataFrame, params: CurationParams) -> None:
    """When every row is refused the error names the rules, the most frequent first."""
    raw = make_pairs(("{a}", "I10", "es", "lay"), ("tos", "X", "es", "lay"), ("[b]", "I10", "es", "lay"))
    with pytest.raises(InputError, match=r"None of the 3 pairs .*: leftover 2, unknown_code 1\."):
        nodes.validate_pairs(raw, code_set, params)
    with pytest.raises(InputError, match=r"None of the 0 pairs"):
        nodes.validate_pairs(raw.iloc[:0], code_set, params)


def test_held_out_title(make_pairs: Make, code_set: pd.DataFrame, params: CurationParams) -> None:
    """The title of a held-out code is refused with its reason."""
    unseen = params.split.unseen_codes.model_copy(update={"validation": 0.0, "test": 0.6})
    held = params.model_copy(update={"split": params.split.model_copy(update={"unseen_codes": unseen})})
    rows = [
        ("chest pain unspecified", "R07.9", "en", "title"),
        ("chest pain unspecified since today", "R07.9", "en", "lay"),
    ]
    pairs, rejected = run_all(make_pairs(*rows), code_set, held)
    assert rejected["rule"].tolist() == ["held_out_title"]
    assert rejected["detail"].tolist() == ["Code R07.9 is held out of training."]
    assert pairs["split"].tolist() == ["test"]
    assert not pairs["seen"].any()


def test_no_training_pairs_is_told(
    make_pairs: Make, code_set: pd.DataFrame, params: CurationParams, caplog: pytest.LogCaptureFixture
) -> None:
    """A split without training pairs is logged as a warning."""
    unseen = params.split.unseen_codes.model_copy(update={"validation": 0.0, "test": 0.6})
    held = params.model_copy(update={"split": params.split.model_copy(update={"unseen_codes": unseen})})
    run_all(make_pairs(("dolor", "R07.9", "es", "lay")), code_set, held)
    assert "No pair is left for training" in caplog.text


QUERIES = [
    "dolor",
    "Dolor",
    "dolores",
    "tos seca",
    "tos seca fuerte",
    "{x}",
    "R07.9 tos",
    "me duele",
    "asma",
    "?",
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(QUERIES),
            st.sampled_from(["R07.9", "I10", "J45.909", "E11.9", "Z"]),
            st.sampled_from(["es", "ca"]),
            st.sampled_from(["formal", "shorthand", "title"]),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_no_row_disappears(
    make_pairs: Make, code_set: pd.DataFrame, params: CurationParams, rows: list[Row]
) -> None:
    """Whatever the input, rows are kept or refused, clusters stay whole, and titles only train."""
    raw = make_pairs(("dolor de pecho", "R07.9", "es", "lay"), *rows)
    pairs, rejected = run_all(raw, code_set, params)
    assert (rejected["rule"] != "").all()
    assert (rejected["detail"] != "").all()
    assert pairs.groupby("cluster")["split"].nunique().eq(1).all()
    titles = pairs[pairs["style"] == "title"]
    assert set(titles["split"]) <= {"train"}
    assert not titles["cluster"].isin(pairs.loc[pairs["style"] != "title", "cluster"]).any()
    near = nodes.find_near_duplicates(nodes.validate_pairs(raw, code_set, params)[0], params)
    nearest = nearest_in_train(keys_of(pairs), pairs["split"], near)
    assert (nearest < params.near_duplicates.cluster_threshold).all()


def test_pipeline(make_pairs: Make, code_set: pd.DataFrame, params: CurationParams) -> None:
    """The whole pipeline runs; its report is JSON, adds up, and finds no near-duplicate of test in train."""
    raw = make_pairs(*ROWS, *((f"dolor de pecho {i}", "R07.9", "es", "lay") for i in range(4)))
    catalog = DataCatalog(
        {
            "raw_pairs": MemoryDataset(raw),
            "code_set": MemoryDataset(code_set),
            "params:curation": MemoryDataset(params),
        }
    )
    SequentialRunner().run(create_pipeline(), catalog)
    report = json.loads(json.dumps(catalog["leakage_report"].load()))
    kinds = report["rows"].values()
    assert sum(kind["raw"] for kind in kinds) == len(raw)
    for kind in kinds:
        assert kind["raw"] == kind["pairs"] + kind["rejected"]
        assert kind["rejected"] == sum(kind["rejected_by_rule"].values())
        assert kind["pairs"] == sum(kind["splits"].values())
    assert report["conflicts"]["queries"] == 1
    after = {row["threshold"]: row["after"]["count"] for row in report["leakage"]["by_threshold"]}
    assert [after[threshold] for threshold in (0.7, 0.8, 0.9)] == [0, 0, 0]
    assert catalog["curation_summary"].load()["total"].sum() == sum(kind["pairs"] for kind in kinds)
