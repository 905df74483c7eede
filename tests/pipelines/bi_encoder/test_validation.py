"""The retrieval task of the validation split."""

import pandas as pd
import pytest

from codisearch.codes import CodeTree
from codisearch.pipelines.bi_encoder.params import ValidationParams
from codisearch.pipelines.bi_encoder.validation import build_task


def test_task(tiny_pairs: pd.DataFrame, tiny_code_set: pd.DataFrame) -> None:
    """The three validation queries, and their codes; with 10 documents all neighbours are among them."""
    task = build_task(tiny_pairs, tiny_code_set, ValidationParams(documents=10), seed=1)
    found = {task.queries[query]: codes for query, codes in task.relevant.items()}
    assert found == {
        "dolor torácico": {"R07.9"},
        "mal de gorge": {"R07.0"},
        "nefropatía diabética": {"E11.21"},
    }
    assert {"R07.0", "R07.9", "E11.21", "E11.22", "E11.9"} <= set(task.documents)
    assert len(task.documents) == 10
    assert task.documents["R07.9"] == "Chest pain, unspecified"


def test_neighbours_can_be_left_out(toy_pairs: pd.DataFrame, toy_code_set: pd.DataFrame) -> None:
    """Without neighbours, and with room for no others, the documents are the relevant codes and no more."""
    pairs = toy_pairs[toy_pairs["code"].isin(["A00.0", "A00.1", "A01.0"])]
    pairs = pd.concat([pairs, toy_pairs[toy_pairs["code"].str.startswith(("A02", "A03"))]])
    params = ValidationParams(documents=10, neighbours=0)
    task = build_task(pairs, toy_code_set, params, seed=1)
    assert set(task.documents) == set(pairs["code"])
    more = build_task(pairs, toy_code_set, params.model_copy(update={"neighbours": 20}), seed=1)
    tree = CodeTree.from_frame(toy_code_set)
    near = {code for wanted in pairs["code"] for code in tree.neighbours(wanted, 20)}
    assert set(more.documents) == set(pairs["code"]) | near


def test_whole_code_set(tiny_pairs: pd.DataFrame, tiny_code_set: pd.DataFrame) -> None:
    """Where there is room for all codes, all are documents."""
    task = build_task(tiny_pairs, tiny_code_set, ValidationParams(), seed=1)
    assert list(task.documents) == sorted(tiny_code_set["code"])


def test_one_query_of_two_codes(tiny_pairs: pd.DataFrame, tiny_code_set: pd.DataFrame) -> None:
    """A query that stands for two codes is one query with both; in another language it is another."""
    pairs = tiny_pairs[tiny_pairs["query"] == "diabete"].assign(split="validation")
    pairs = pd.concat([pairs, pairs.head(1).assign(pair_id="x", language="pt")])
    task = build_task(pairs, tiny_code_set, ValidationParams(), seed=1)
    assert list(task.queries.values()) == ["diabete", "diabete"]
    assert list(task.relevant.values()) == [{"E10.9", "E11.9"}, {"E10.9"}]


@pytest.mark.parametrize("limit", [1, 6, 8, 15])
def test_queries_are_capped_evenly(toy_pairs: pd.DataFrame, toy_code_set: pd.DataFrame, limit: int) -> None:
    """Languages take turns: none has two queries more than another that still has some."""
    parts = [
        toy_pairs[toy_pairs["split"] == "validation"].head(count).assign(language=language)
        for language, count in (("es", 20), ("ca", 4), ("fr", 9))
    ]
    pairs = pd.concat(parts).reset_index(drop=True)
    pairs["pair_id"] = pairs.index.astype(str)
    pairs["query"] = pairs["language"] + pairs["query"]
    task = build_task(pairs, toy_code_set, ValidationParams(queries=limit), seed=1)
    counts = pd.Series(list(task.queries.values())).str[:2].value_counts()
    expected = {
        1: {"ca": 1},
        6: {"ca": 2, "es": 2, "fr": 2},
        8: {"ca": 3, "es": 3, "fr": 2},
        15: {"ca": 4, "es": 6, "fr": 5},
    }
    assert counts.to_dict() == expected[limit]


def test_seed_and_order(toy_pairs: pd.DataFrame, toy_code_set: pd.DataFrame) -> None:
    """The task depends on the seed, not on the order of the rows."""
    params = ValidationParams(documents=10, neighbours=0, queries=6)
    first = build_task(toy_pairs, toy_code_set, params, seed=1)
    shuffled = build_task(toy_pairs.iloc[::-1], toy_code_set, params, seed=1)
    assert first == shuffled
    assert first != build_task(toy_pairs, toy_code_set, params, seed=2)
