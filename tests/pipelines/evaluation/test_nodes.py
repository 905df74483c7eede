"""The nodes of the evaluation pipeline, one by one and all together with a file of real mentions."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codisearch.pipelines.evaluation import create_pipeline, nodes
from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.measures.facets import FACET_COLUMNS
from codisearch.pipelines.evaluation.measures.pairs import PAIR_COLUMNS
from codisearch.pipelines.evaluation.measures.summary import METRIC_COLUMNS, select_metrics
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.pipelines.evaluation.reporting.confidence_section import TITLE as CONFIDENCE_TITLE
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.schemas import QUERIES

SYSTEMS = ["bm25", "base_encoder", "generalist", "bi_encoder", "two_stage"]
GOLD = """query\tcode\tlanguage
High blood pressure\tI10\ten
Asthmatic bronchitis\tJ45\ten
hipertensión arterial\ti10\t
hipertensión arterial\tE11.9\tes
fractura\tS52.501A\tes
"""


def params_of(**values: Any) -> EvaluationParams:
    """Return parameters of a short evaluation."""
    bootstrap = {"resamples": 20, "permutations": 50}
    base = {"systems": SYSTEMS, "encoders": {"generalist": {}}, "depth": 10, "bootstrap": bootstrap}
    return EvaluationParams.model_validate({**base, **values})


def systems_of(*names: str) -> pd.DataFrame:
    """Return the table of systems that all ran."""
    return pd.DataFrame({"system": list(names), "skipped": ""})


def overall(means: pd.DataFrame, metric: str) -> dict[str, float]:
    """Return the mean over all queries at code level by system."""
    rows = select_metrics(means, metric, language="all")
    return dict(zip(rows["system"], rows["value"], strict=True))


def pairs_of(*rows: tuple[str, str, str, str, str, str, bool]) -> pd.DataFrame:
    """Return pairs of id, query, code, language, style, split and seen."""
    columns = ["pair_id", "query", "code", "language", "style", "split", "seen"]
    return pd.DataFrame(rows, columns=columns)


def test_pipeline() -> None:
    """The pipeline ends in the report, tables, figures and the records that tracking shows."""
    ends = {"report_html", "report_markdown", "evaluation_run", "system_runs", "recall_table"}
    ends |= {f"{name}_figure" for name in nodes.SHOWN}
    assert ends <= create_pipeline().outputs()


def test_collect_queries(tiny_code_set: pd.DataFrame) -> None:
    """Test pairs of one text and language are one query with all its codes, seen if one of them is."""
    pairs = pairs_of(
        ("p3", "sucre", "E11.9", "ca", "lay", "test", False),
        ("p1", "sucre", "E10.9", "ca", "lay", "test", True),
        ("p2", "sucre", "E10.9", "fr", "lay", "test", False),
        ("p4", "Diabetis", "E11.9", "ca", "title", "test", True),
        ("p5", "HTA", "I10", "ca", "shorthand", "train", True),
        ("p6", "pit", "R07.9", "ca", "formal", "validation", True),
    )
    queries, gold, facts = nodes.collect_queries(pairs, tiny_code_set, params_of())
    QUERIES.validate(queries)
    assert queries.to_dict("records") == [
        {
            "query_id": "p1",
            "query": "sucre",
            "language": "ca",
            "style": "lay",
            "seen": True,
            "codes": ["E10.9", "E11.9"],
        },
        {
            "query_id": "p2",
            "query": "sucre",
            "language": "fr",
            "style": "lay",
            "seen": False,
            "codes": ["E10.9"],
        },
    ]
    assert gold.empty
    assert list(gold.columns) == list(queries.columns)
    assert facts == {}


def test_limit_is_even_over_languages(tiny_code_set: pd.DataFrame) -> None:
    """A limit takes the same number of each language, in the order of their ids."""
    rows = [
        (f"p{number:02}", f"q{number}", "I10", language, "lay", "test", True)
        for number, language in enumerate(["es"] * 10 + ["en"] * 2 + ["it"] * 5)
    ]
    queries, _, _ = nodes.collect_queries(pairs_of(*rows), tiny_code_set, params_of(queries=6))
    assert queries["language"].value_counts().to_dict() == {"es": 2, "en": 2, "it": 2}
    assert queries["query_id"].is_monotonic_increasing
    again, _, _ = nodes.collect_queries(pairs_of(*rows), tiny_code_set, params_of(queries=6))
    pd.testing.assert_frame_equal(queries, again)


def test_systems_that_ran(systems: pd.DataFrame) -> None:
    """A system with a reason for being skipped did not run; read back from a file, no reason is NaN."""
    ran = ["bm25", "base_encoder", "generalist", "bi_encoder", "two_stage"]
    assert nodes.systems_that_ran(systems) == ran
    read = systems.assign(skipped=systems["skipped"].replace("", None))
    assert read["skipped"].isna().sum() == 5
    assert nodes.systems_that_ran(read) == ran


def test_system_that_ranked_nothing(
    queries: pd.DataFrame, rankings: pd.DataFrame, code_set: pd.DataFrame
) -> None:
    """A system without any ranking misses every query instead of failing the run."""
    params, table = params_of(), systems_of("bm25", "two_stage")
    only = rankings[rankings["system"] == "two_stage"]
    per_query = nodes.score(queries, only, code_set, table, params)
    means, _, _ = nodes.measure(per_query, queries, code_set, table, params)
    assert overall(means, "mrr") == {"bm25": 0.0, "two_stage": pytest.approx((1 + 1 + 1 / 8 + 1) / 4)}
    nothing = nodes.score_gold(queries, only.head(0), code_set, table, params)
    gold, _, _ = nodes.measure(nothing, queries, code_set, table, params)
    assert (gold["value"] == 0.0).all()


def test_skipped_system_is_in_no_table(
    queries: pd.DataFrame, rankings: pd.DataFrame, code_set: pd.DataFrame, systems: pd.DataFrame
) -> None:
    """Scores, measures, pairs and calibration are of the systems that ran, without zeros for others."""
    params = params_of()
    per_query = nodes.score(queries, rankings, code_set, systems, params)
    tables = [
        per_query,
        *nodes.measure(per_query, queries, code_set, systems, params),
        *nodes.examine(per_query, queries, rankings, systems, params),
    ]
    assert all(len(table) for table in tables)
    for table in tables:
        names = {name for name in table.columns if name.endswith("system")}
        assert names
        assert not table[list(names)].eq("biolord").any(axis=None)


def test_measure(queries: pd.DataFrame, rankings: pd.DataFrame, code_set: pd.DataFrame) -> None:
    """Systems come in the order of their table and others are left out; slices and pairs are of the same."""
    params, table = params_of(), systems_of("bi_encoder", "base_encoder")
    per_query = nodes.score(queries, rankings, code_set, table, params)
    assert list(dict.fromkeys(per_query["system"])) == ["bi_encoder", "base_encoder"]
    means, parts, pairs = nodes.measure(per_query, queries, code_set, table, params)
    assert overall(means, "recall@5") == {"bi_encoder": 0.75, "base_encoder": 0.5}
    assert list(dict.fromkeys(parts["system"])) == ["bi_encoder", "base_encoder"]
    row = pairs.set_index(["metric", "language"]).loc[("recall@5", "all")]
    assert row[["before_system", "after_system", "difference"]].tolist() == [
        "bi_encoder",
        "base_encoder",
        -0.25,
    ]


def test_depth_limits_the_measures(
    queries: pd.DataFrame, rankings: pd.DataFrame, code_set: pd.DataFrame
) -> None:
    """With ten ranks there is no recall@50, and a right code in the eleventh does not count."""
    table = systems_of("two_stage")
    is_third = rankings["query_id"] == "q2"
    above = rankings[is_third & (rankings["rank"] <= 3)].assign(code=["Y01.0", "Y02.0", "Y03.0"] * 5)
    moved = rankings.assign(rank=rankings["rank"] + 3 * is_third)  # the right code from 8 to 11
    lower = pd.concat([above, moved], ignore_index=True)
    assert "recall@50" not in nodes.score(queries, lower, code_set, table, params_of(depth=10))
    deep = nodes.score(queries, lower, code_set, table, params_of(depth=50)).set_index(["query_id", "level"])
    flat = nodes.score(queries, lower, code_set, table, params_of(depth=10)).set_index(["query_id", "level"])
    assert deep.loc[("q2", "code"), "rr"] == pytest.approx(1 / 11)
    assert flat.loc[("q2", "code"), "rr"] == 0.0
    assert deep.loc[("q2", "code"), "recall@50"] == 1.0


def test_gold_codes_match_longer_ones(code_set: pd.DataFrame) -> None:
    """Mentions are scored with `gold_match`: R50 is answered by R50.9, unless only the code itself counts."""
    queries = pd.DataFrame({"query_id": ["g0"], "query": ["febre"], "codes": [["R50"]]})
    rankings = pd.DataFrame({"system": ["bm25"], "query_id": "g0", "rank": 1, "code": "R50.9", "score": 1.0})
    table = systems_of("bm25")
    for match, expected in (("prefix", 1.0), ("exact", 0.0)):
        scores = nodes.score_gold(queries, rankings, code_set, table, params_of(gold_match=match))
        assert scores.set_index("level").loc["code", "recall@1"] == expected
    assert nodes.score(queries, rankings, code_set, table, params_of()).set_index("level").loc[
        "code", "recall@1"
    ] == pytest.approx(0.0)


def test_examine(
    per_query: pd.DataFrame, queries: pd.DataFrame, rankings: pd.DataFrame, systems: pd.DataFrame
) -> None:
    """MRR of the base encoder is (1/2 + 0 + 0 + 1/2) / 4 = 1/4, of the bi-encoder 1/2: a gain of 100 %."""
    comparisons, transitions, calibration = nodes.examine(per_query, queries, rankings, systems, params_of())
    gain = comparisons.set_index(["comparison", "language"]).loc[("learning_gain", "all")]
    assert gain["change"] == pytest.approx(1.0)
    assert set(transitions["comparison"]) == {"learning_gain", "reranking"}
    assert calibration.groupby("system")["queries"].sum().to_dict() == dict.fromkeys(SYSTEMS, 4)


def test_choose_examples(
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    metrics: pd.DataFrame,
    code_set: pd.DataFrame,
) -> None:
    """Examples are of the best system, bi_encoder, which misses q2; reranking changes nothing that counts."""
    examples, changes = nodes.choose_examples(
        per_query, queries, rankings, metrics, code_set, params_of(examples=2)
    )
    assert len(examples) == 2
    assert "not in the first 10" in set(examples["outcome"])
    assert "I10 Essential (primary) hypertension" in set(examples["gold"])
    assert changes.empty
    none, _ = nodes.choose_examples(per_query, queries, rankings, metrics, code_set, params_of(examples=0))
    assert none.empty


def test_no_gold(
    queries: pd.DataFrame, rankings: pd.DataFrame, code_set: pd.DataFrame, systems: pd.DataFrame
) -> None:
    """Without real mentions there are tables without rows, which files can hold, and no results."""
    none, params = queries.head(0), params_of()
    per_query = nodes.score_gold(none, rankings.head(0), code_set, systems, params)
    assert per_query.empty
    means, parts, pairs = nodes.measure(per_query, none, code_set, systems, params)
    assert (list(means.columns), list(parts.columns)) == (list(METRIC_COLUMNS), list(FACET_COLUMNS))
    assert list(pairs.columns) == list(PAIR_COLUMNS)
    assert means.empty
    assert parts.empty
    assert pairs.empty
    together = nodes.bring_gold_together(means, parts, pairs, {})
    assert together == {"metrics": None, "slices": None, "pairs": None, "facts": None}


def test_gold_is_brought_together(metrics: pd.DataFrame) -> None:
    """Parts that there are keep their content, those without rows are None."""
    together = nodes.bring_gold_together(metrics, metrics.head(0), metrics.head(1), {"rows": 3})
    assert together["metrics"] is metrics
    assert together["slices"] is None
    assert len(together["pairs"]) == 1
    assert together["facts"] == {"rows": 3}


def test_figure_that_there_is_nothing_for(
    metrics: pd.DataFrame,
    transitions: pd.DataFrame,
    calibration: pd.DataFrame,
    systems: pd.DataFrame,
    confidence: ConfidenceTables,
) -> None:
    """The catalog gets a figure under every name, an empty one where no system could be compared."""
    history = pd.DataFrame({"step": [1], "metric": ["loss"], "value": [2.0], "candidate": ["static"]})
    nothing = pd.DataFrame()
    for moves, drawn in ((transitions, 2), (transitions.head(0), 0)):
        figures = nodes.draw(metrics, history, history, nothing, moves, calibration, systems, confidence)
        shown = dict(zip(nodes.SHOWN, nodes.show_figures(figures), strict=True))
        assert all(figure.layout.title.text for figure in shown.values())
        assert len(shown["rank_transitions"].data) == drawn
        assert ("rank_transitions" in figures) == bool(drawn)
        assert len(shown["latency"].data) == 5


def test_collect_facts(
    tiny_pairs: pd.DataFrame, tiny_code_set: pd.DataFrame, queries: pd.DataFrame, small_bundle: Bundle
) -> None:
    """Counts are those of the tables; digests change with what they stand for, and only then."""
    facts = nodes.collect_facts(tiny_pairs, queries, tiny_code_set, small_bundle, params_of())
    assert (facts["release"], facts["codes"], facts["training pairs"]) == ("tiny", 13, 9)
    assert facts["training pairs by source"] == {"test": 9}
    assert facts["test queries"] == 4
    assert facts["prompts"] == []
    assert facts["aliases"] == len(small_bundle.aliases)
    again = nodes.collect_facts(tiny_pairs.copy(), queries.copy(), tiny_code_set, small_bundle, params_of())
    assert again == facts
    fewer = nodes.collect_facts(tiny_pairs, queries.head(3), tiny_code_set, small_bundle, params_of())
    assert fewer["digest of the test queries"] != facts["digest of the test queries"]
    assert fewer["digest of the pairs"] == facts["digest of the pairs"]
    written = tiny_pairs.assign(source="writer", prompt_hash="abc")
    facts = nodes.collect_facts(written, queries, tiny_code_set, small_bundle, params_of())
    assert facts["prompts"] == ["writer: abc"]


def test_tabulate(metrics: pd.DataFrame) -> None:
    """The table that a person opens has a row per system and a column per language."""
    table = nodes.tabulate(metrics)
    assert list(table.columns) == ["system", "en", "es", "all"]
    rows = table.set_index("system")
    assert rows.loc["two_stage"].tolist() == [1.0, 0.5, 0.75]
    assert rows.loc["bm25"].tolist() == [0.0, 0.5, 0.25]


@pytest.fixture(scope="module")
def evaluated(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_pairs: pd.DataFrame,
    tiny_code_set: pd.DataFrame,
    small_bundle: Bundle,
    embedding_cache: EmbeddingCache,
    tiny_encoder: Path,
) -> dict[str, Any]:
    """Run the pipeline node by node on test queries and a small TSV of mentions; return all datasets."""
    path = tmp_path_factory.mktemp("gold") / "mentions.tsv"
    path.write_text(GOLD, encoding="utf-8")
    folder = tmp_path_factory.mktemp("models")
    encoders = {
        "generalist": {"source": str(tiny_encoder), "kind": "static"},
        "absent": {"source": str(folder / "not-there")},
    }
    systems = [*SYSTEMS, "hybrid", "absent"]
    fusions = {"hybrid": {"method": "reciprocal_rank", "of": ["bm25", "bi_encoder"]}}
    history = pd.DataFrame({"step": [1, 2], "metric": "loss", "value": [2.0, 1.0], "candidate": "static"})
    data: dict[str, Any] = {
        "params:evaluation": params_of(
            gold=str(path), systems=systems, encoders=encoders, fusions=fusions, examples=2
        ),
        "pairs": tiny_pairs.assign(split=tiny_pairs["split"].replace("validation", "test")),
        "code_set": tiny_code_set,
        "bundle": small_bundle,
        "embedding_cache": embedding_cache,
        "bi_encoder_history": history,
        "cross_encoder_history": history.assign(candidate="cross_encoder"),
        "encoder_candidates": pd.DataFrame(
            {"encoder": ["static"], "recall@5": [0.5], "mrr": [0.4], "seconds": [3.0]}
        ),
        "fusion_choice": pd.DataFrame(
            {
                "language": ["all", "all"],
                "recall@5": [0.5, 0.6],
                "mrr": [0.4, 0.45],
                "depth": [0, 12],
                "weight": [0.0, 40.0],
                "allowed": True,
                "chosen": [False, True],
            }
        ),
        "leakage_report": {"leakage": {"test_queries": 4}},
        "measured_learning_curve": pd.DataFrame(),
    }
    for node in create_pipeline().nodes:
        data |= node.run({name: data[name] for name in node.inputs})
    return data


def test_gold_queries(evaluated: dict[str, Any]) -> None:
    """Mentions become queries, rows without a language are Spanish, and what could not be used is counted."""
    QUERIES.validate(evaluated["gold_queries"])
    rows = evaluated["gold_queries"][["query", "language", "seen", "codes"]].to_numpy().tolist()
    assert rows == [
        ["High blood pressure", "en", True, ["I10"]],
        ["Asthmatic bronchitis", "en", True, ["J45"]],
        ["hipertensión arterial", "es", True, ["I10", "E11.9"]],
    ]
    facts = evaluated["gold_facts"]
    assert (facts["rows"], facts["queries"]) == (5, 3)
    assert facts["left out"] == {"code not in the code set": 1}


def test_rankings_are_kept_apart(evaluated: dict[str, Any]) -> None:
    """Test queries and mentions are ranked together and told apart again."""
    for prefix, queries in (("", "test_queries"), ("gold_", "gold_queries")):
        rankings = evaluated[f"{prefix}rankings"]
        assert set(rankings["query_id"]) == set(evaluated[queries]["query_id"])
        assert list(dict.fromkeys(rankings["system"])) == [*SYSTEMS, "hybrid"]


def test_gold_metrics(evaluated: dict[str, Any]) -> None:
    """BM25 finds all three mentions: two stand as aliases, and a longer code answers J45."""
    rows = evaluated["gold_metrics"]
    rows = rows[(rows["system"] == "bm25") & (rows["metric"] == "recall@5") & (rows["level"] == "code")]
    values = rows[(rows["style"] == "all") & (rows["seen"] == "all")].set_index("language")["value"]
    assert values.to_dict() == {"all": 1.0, "en": 1.0, "es": 1.0}
    assert set(evaluated["gold_slice_metrics"]["facet"]) == {"chapter", "code_length", "query_words"}
    assert (
        len(evaluated["gold_pairs"]) == 15 * 2 * 3
    )  # pairs of six systems, two measures, all and two languages


def test_figures(evaluated: dict[str, Any]) -> None:
    """Histories of both stages are in one figure; the catalog gets the figures that it has names for."""
    figures = evaluated["figures"]
    assert {*nodes.SHOWN, "training_history", "encoder_candidates"} == set(figures)
    names = [trace.name for trace in figures["training_history"].data]
    assert any("static" in name for name in names)
    assert any("cross_encoder" in name for name in names)
    for name in nodes.SHOWN:
        assert evaluated[f"{name}_figure"] is figures[name]


def test_report(evaluated: dict[str, Any]) -> None:
    """Both forms of the report name every system, the fusion, the mentions and the release."""
    for text in (evaluated["report_html"], evaluated["report_markdown"]):
        for expected in (*SYSTEMS, "hybrid", "tiny", "code not in the code set", CONFIDENCE_TITLE):
            assert expected in text, expected


def test_skipped_system_in_the_report(evaluated: dict[str, Any]) -> None:
    """A system whose model is not there is in the headline and in one section, in no other table."""
    table = evaluated["evaluated_systems"].set_index("system")
    assert table.index[table["skipped"] != ""].tolist() == ["absent"]
    sections = dict(section.split("\n", 1) for section in evaluated["report_markdown"].split("\n## ")[1:])
    assert "Left out, as the section on systems explains: absent." in sections["In short"]
    assert "absent was left out: " in sections["The systems"]
    assert {title for title, text in sections.items() if "| absent |" in text} == {"The systems"}
    assert "absent" not in evaluated["system_runs"]


def test_mentions_are_not_quoted(evaluated: dict[str, Any]) -> None:
    """Of the texts of real mentions the report shows only what the facts of the file quote."""
    facts = str(evaluated["gold_facts"])
    for mention in evaluated["gold_queries"]["query"]:
        assert mention not in facts
        assert mention not in evaluated["report_markdown"]
        assert mention not in evaluated["report_html"]
