"""The nodes, against the stand-in service over the wire."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service import KEY, Service

from codisearch.errors import ConfigurationError, GeneratorError, LedgerError
from codisearch.generators.ledger import Ledger
from codisearch.generators.registry import Generators
from codisearch.pipelines.generation import create_pipeline, nodes
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.rules.params import RuleParams
from codisearch.schemas import CONFUSABLES, GENERATED_ROWS, RAW_PAIRS

Make = Callable[..., GenerationParams]
NO_CONFUSABLES = pd.DataFrame({str(name): [] for name in CONFUSABLES.columns}, dtype="str")
PLANNED = 8 * 6 * 3  # billable codes, languages, styles


def make_corpus() -> pd.DataFrame:
    """Return five codes with a pair each in Spanish and in French."""
    codes = ["A00", "A01", "B02", "C03", "D04"]
    rest = ("lay", "", "model", "0123456789ab", "2026-11-23")
    rows = [
        (f"{language}-{code}-lay-1", f"{code} {language}", code, language, *rest)
        for language in ("es", "fr")
        for code in codes
    ]
    return pd.DataFrame(rows, columns=list(RAW_PAIRS.columns), dtype="str")


@dataclass(frozen=True)
class Inputs:
    """What the nodes need beside parameters."""

    code_set: pd.DataFrame
    notes: pd.DataFrame
    prompts: Mapping[str, Callable[[], str]]
    generators: Generators
    ledger: Ledger
    rules: RuleParams


@dataclass(frozen=True)
class Outputs:
    """What the nodes return."""

    plan: dict[str, Any]
    rows: pd.DataFrame
    pairs: pd.DataFrame
    confusables: pd.DataFrame
    report: dict[str, Any]
    record: dict[str, Any]

    @property
    def ends(self) -> dict[str, int]:
        """How many rows ended how."""
        return {str(end): int(count) for end, count in self.rows["status"].value_counts().items()}


@pytest.fixture
def inputs(
    tiny_code_set: pd.DataFrame,
    notes: pd.DataFrame,
    prompts: dict[str, Callable[[], str]],
    generators: Generators,
    ledger: Ledger,
    rules: RuleParams,
) -> Inputs:
    """Return what the nodes need."""
    return Inputs(tiny_code_set, notes, prompts, generators, ledger, rules)


def generate(inputs: Inputs, params: GenerationParams, corpus: pd.DataFrame | None = None) -> Outputs:
    """Run the nodes one after the other."""
    corpus = make_corpus() if corpus is None else corpus
    listed = pd.DataFrame({"code": ["E11.9"]}, dtype="str")
    targets, plan = nodes.plan_generation(
        inputs.code_set, inputs.notes, listed, inputs.prompts, inputs.ledger, params
    )
    rules = inputs.rules
    written, generated, writing = nodes.write_queries(
        targets,
        inputs.code_set,
        inputs.notes,
        inputs.prompts,
        inputs.generators,
        inputs.ledger,
        params,
        rules.length,
        rules.leftovers,
        rules.language,
    )
    rows, audit = nodes.audit_queries(
        written, writing, inputs.code_set, inputs.prompts, inputs.generators, inputs.ledger, params
    )
    listed_confusables = pd.DataFrame(
        [("A00", "A01", "site", "x"), ("I10", "J45.9", "disorder", "listed")],
        columns=list(CONFUSABLES.columns),
        dtype="str",
    )
    pairs, confusables, record, report = nodes.collect_pairs(
        corpus, listed_confusables, rows, generated, writing, audit, inputs.ledger, params
    )
    GENERATED_ROWS.validate(rows)
    CONFUSABLES.validate(confusables)
    RAW_PAIRS.validate(pairs)
    return Outputs(plan, rows, pairs, confusables, report, record)


# ---- the corpus


def test_offline_default_hands_over_the_corpus(inputs: Inputs):
    """Without a language model nothing is asked, and no ledger is made."""
    done = generate(inputs, GenerationParams())
    pd.testing.assert_frame_equal(done.pairs, make_corpus())
    assert done.confusables["code"].tolist() == ["A00", "I10"]
    assert done.rows.empty
    assert done.report == {"generator": "corpus", "rows": {"accepted": 10}, "stopped": ""}
    assert done.record["metrics"] == {"generation.rows.accepted": 10}
    assert not inputs.ledger.path.exists()


def test_sample_takes_codes_evenly_spread_with_all_their_pairs():
    """Three of five codes are the first, the middle and the last, in both languages."""
    pairs = nodes.sample_by_code(make_corpus(), 3)
    assert list(pairs["code"]) == ["A00", "B02", "D04", "A00", "B02", "D04"]
    assert list(pairs.index) == list(range(6))


@given(st.integers(1, 9))
def test_sample_has_as_many_codes_as_asked(size: int):
    """The sample has the asked number of codes, or all there are, each with its two pairs."""
    counts = nodes.sample_by_code(make_corpus(), size)["code"].value_counts()
    assert len(counts) == min(size, 5)
    assert set(counts) == {2}


# ---- a language model


def test_all_is_accepted_without_faults(inputs: Inputs, service: Service, make_params: Make):
    """Eight codes in six languages and three styles: every row accepted, the reader agrees with all."""
    service.set(disagree=0.0)
    done = generate(inputs, make_params())
    assert done.ends == {"accepted": PLANNED}
    assert len(done.pairs) == PLANNED
    assert done.pairs["prompt_hash"].nunique() == 1
    assert done.pairs["source"].unique().tolist() == [done.report["source"]]
    assert done.report["source"].startswith("gemini-3.8-flash-")
    assert set(done.rows["agreement"]) == {"code"}
    assert done.report["rows"] == {
        "planned": PLANNED,
        "accepted": PLANNED,
        "rejected": 0,
        "failed": 0,
        "pending": 0,
    }
    assert done.report["queries"]["requests_sent"] == 48
    assert done.report["audit"]["requests_sent"] == 6
    of_one = done.confusables[done.confusables["code"] == "E11.21"]
    assert of_one["confusable"].tolist() == ["E11.22", "E11.9"]  # the close codes that the request shows
    assert set(done.confusables["code"]) <= set(done.rows["code"])


def test_a_second_run_sends_nothing(inputs: Inputs, service: Service, make_params: Make):
    """What the ledger holds is not asked again, and the tables are the same."""
    first = generate(inputs, make_params())
    before = service.counts["arrivals"]
    second = generate(inputs, make_params())
    assert service.counts["arrivals"] == before
    pd.testing.assert_frame_equal(first.rows, second.rows)
    pd.testing.assert_frame_equal(first.pairs, second.pairs)
    assert [task["answered"] for task in second.plan["tasks"]] == [48, 6]
    assert second.report["queries"]["requests_sent"] == second.report["money"] == 0
    assert second.report["ledger"]["money"] == first.report["money"] > 0
    assert sum(task["money"] for task in second.plan["tasks"]) == 0


def test_every_row_is_accounted_for_with_faults_of_all_kinds(
    inputs: Inputs, service: Service, make_params: Make
):
    """Half of the prompts meet a fault: accepted, rejected and failed add up to what was planned."""
    service.set(fault_rate=0.5, stall=1.5)
    done = generate(inputs, make_params())
    assert sum(done.ends.values()) == PLANNED
    assert done.ends.get("pending", 0) == 0
    assert done.ends["failed"] > 0
    assert done.ends["accepted"] > PLANNED / 2
    assert done.rows["pair_id"].is_unique
    assert not done.pairs.duplicated(["query", "code", "language"]).any()
    assert set(done.pairs["pair_id"]) == set(done.rows.loc[done.rows["status"] == "accepted", "pair_id"])
    open_rows = done.rows[done.rows["status"] != "accepted"]
    assert sum(done.report["reasons"].values()) == len(open_rows)
    faults = done.report["queries"]["faults"]
    sent, answers = done.report["queries"]["requests_sent"], done.report["queries"]["answers"]
    assert sent == answers + sum(faults.values())


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("safety", "failed", "safety_block"),
        ("bad_request", "failed", "bad_request"),
        ("stubborn", "rejected", "wrong_language"),
    ],
)
def test_what_stays_bad_is_told(
    inputs: Inputs, service: Service, make_params: Make, fault: str, status: str, reason: str
):
    """A fault that no second try mends ends in the reason of its rows."""
    service.set(fault_rate=0.3, faults=[fault])
    done = generate(inputs, make_params(audit={"enabled": False}))
    ended = done.rows[done.rows["reason"] == reason]
    assert len(ended) > 0
    assert set(ended["status"]) == {status}
    assert done.report["reasons"][f"{status} {reason}"] == len(ended)


@pytest.mark.parametrize(
    "fault", ["truncated", "invalid_json", "empty", "wrong_shape", "wrong_language", "few"]
)
def test_what_a_second_answer_mends(inputs: Inputs, service: Service, make_params: Make, fault: str):
    """A fault of the first answer leaves no trace in the rows; the second answer was paid for."""
    service.set(fault_rate=0.3, faults=[fault])
    done = generate(inputs, make_params(audit={"enabled": False}))
    assert done.ends == {"accepted": PLANNED}
    assert done.report["queries"]["answers"] > 48


def test_invented_codes_are_counted(inputs: Inputs, service: Service, make_params: Make):
    """Confusable codes that do not exist are left out, and the queries beside them stay."""
    service.set(fault_rate=1.1, faults=["invented_code"])
    done = generate(inputs, make_params(audit={"enabled": False}))
    assert done.ends == {"accepted": PLANNED}
    assert done.confusables.empty
    assert done.report["confusables"] == {"kept": 0, "invented_code": 2 * 48}


def test_disagreements_are_left_out(inputs: Inputs, service: Service, make_params: Make):
    """What the reader codes otherwise is rejected, marked with the reader's code, and not among the pairs."""
    service.set(disagree=0.4)
    done = generate(inputs, make_params())
    left_out = done.rows[done.rows["reason"] == "audit_disagrees"]
    assert 0.2 < len(left_out) / PLANNED < 0.6
    assert set(left_out["answer"]) == {"R69"}  # which the tiny code set does not have
    assert set(left_out["agreement"]) == {"invented_code"}
    assert not set(left_out["pair_id"]) & set(done.pairs["pair_id"])


def test_what_a_reader_does_not_answer_is_told(inputs: Inputs, service: Service, make_params: Make):
    """A blocked sheet leaves its queries unread: counted, and left out if so configured."""
    generate(inputs, make_params(audit={"enabled": False}))
    service.change(fault_rate=1.1, faults=["safety"])
    done = generate(inputs, make_params())
    assert done.report["unread"] == PLANNED
    assert done.report["audit"]["useless_answers"] == {"safety_block": 2 * 6}  # in both attempts
    with pytest.raises(GeneratorError, match=r"audit_unread \(144\)"):
        generate(inputs, make_params(audit={"keep_unread": False}))


def test_a_reader_of_its_own(inputs: Inputs, service: Service, make_params: Make):
    """Another generator may read: the OpenAI-compatible one, under the same contract."""
    service.set(disagree=0.0)
    done = generate(inputs, make_params(audit={"generator": "openai"}))
    assert set(done.rows["agreement"]) == {"code"}
    assert service.counts["bodies"][-1]["model"] == "local-model"


def test_a_second_generator(inputs: Inputs, service: Service, make_params: Make):
    """The same rows, but for their source, from an OpenAI-compatible endpoint."""
    service.set(disagree=0.0)
    gemini = generate(inputs, make_params())
    other = generate(inputs, make_params(generator="openai"))
    assert other.report["source"].startswith("local-model-")
    columns = ["query", "code", "language", "style"]
    pd.testing.assert_frame_equal(gemini.pairs[columns], other.pairs[columns])


def test_batch_mode_makes_the_same_pairs(inputs: Inputs, service: Service, make_params: Make):
    """The way that requests take does not change what comes of them; it costs half."""
    service.set(disagree=0.0)
    batch = {"poll_seconds": 0.05, "requests_per_job": 20}
    done = generate(inputs, make_params(mode="batch", batch=batch))
    assert done.ends == {"accepted": PLANNED}
    assert service.counts["jobs"] == 3 + 1
    online = generate(
        Inputs(**{**vars(inputs), "ledger": Ledger(inputs.ledger.path.with_name("other.sqlite"))}),
        make_params(),
    )
    pd.testing.assert_frame_equal(done.pairs, online.pairs)
    assert done.report["money"] == pytest.approx(online.report["money"] / 2, abs=2e-6)


def test_batch_mode_needs_a_generator_that_has_it(inputs: Inputs, service: Service, make_params: Make):
    """An endpoint without batch jobs is refused with what is allowed."""
    assert service.counts["jobs"] == 0
    with pytest.raises(
        ConfigurationError, match=r"mode 'batch': openai takes no batch jobs; allowed is 'online'"
    ):
        generate(inputs, make_params(generator="openai", mode="batch"))


def test_the_budget_ends_the_run_and_a_larger_one_goes_on(
    inputs: Inputs, service: Service, make_params: Make
):
    """Rows that were not reached are pending, nothing is audited; with more budget the rest is done."""
    service.set(disagree=0.0)
    first = generate(inputs, make_params(budget={"requests": 20}, pace={"concurrency": 4}))
    assert service.counts["arrivals"] == 20
    assert first.ends == {"accepted": 60, "pending": PLANNED - 60}
    assert "budget of 20 requests" in first.report["stopped"]
    assert set(first.rows["agreement"]) == {""}
    second = generate(inputs, make_params(budget={"requests": 54}))
    assert second.ends == {"accepted": PLANNED}
    assert second.report["stopped"] == ""
    counts = service.counts
    assert (counts["arrivals"], counts["delivered_again"]) == (54, 0)


def test_more_languages_later_pay_for_those_alone(inputs: Inputs, service: Service, make_params: Make):
    """A job that grows keeps its answers."""
    generate(inputs, make_params(languages=["es"], audit={"enabled": False}))
    generate(inputs, make_params(languages=["es", "pt"], audit={"enabled": False}))
    assert service.counts["arrivals"] == 16


def test_other_settings_are_other_requests(inputs: Inputs, service: Service, make_params: Make):
    """Another temperature asks anew, and its rows have another source."""
    first = generate(inputs, make_params(languages=["es"], audit={"enabled": False}))
    params = make_params(languages=["es"], audit={"enabled": False})
    warmer = params.models["gemini"].model_copy(update={"temperature": 0.3})
    second = generate(inputs, params.model_copy(update={"models": {**params.models, "gemini": warmer}}))
    assert service.counts["arrivals"] == 16
    assert set(first.pairs["source"]).isdisjoint(second.pairs["source"])


def test_titles(inputs: Inputs, service: Service, make_params: Make):
    """Titles are asked for in other languages than English, and not audited."""
    service.set(disagree=0.0)
    done = generate(inputs, make_params(queries={"formal": 0, "shorthand": 0, "lay": 1, "title": 1}))
    titles = done.rows[done.rows["style"] == "title"]
    assert len(titles) == 8 * 5
    assert "en" not in set(titles["language"])
    assert set(titles["agreement"]) == {""}
    assert set(done.rows.loc[done.rows["style"] == "lay", "agreement"]) == {"code"}


def test_the_corpus_may_stand_beside(inputs: Inputs, service: Service, make_params: Make):
    """Both are among the pairs; of a confusable pair in both lists the corpus's words stay."""
    service.set(disagree=0.0)
    done = generate(inputs, make_params(include_corpus=True))
    assert len(done.pairs) == PLANNED + 10
    assert set(done.pairs["source"]) == {"model", done.report["source"]}
    assert not done.confusables.duplicated(["code", "confusable"]).any()
    assert "listed" in set(done.confusables["difference"])


def test_nothing_accepted_is_an_error(inputs: Inputs, service: Service, make_params: Make):
    """An empty corpus is not handed on; the message says what was in the way."""
    service.set(fault_rate=1.1, faults=["safety"])
    with pytest.raises(GeneratorError, match=r"None of 144 planned queries .*safety_block \(144\)"):
        generate(inputs, make_params())


def test_a_wrong_key_ends_the_run(
    inputs: Inputs, service: Service, make_params: Make, monkeypatch: pytest.MonkeyPatch
):
    """One refused request is enough, and the key is nowhere."""
    service.set(echo_key=True)
    monkeypatch.setenv("GEMINI_API_KEY", "wrong-key-987")
    with pytest.raises(GeneratorError, match=r"gemini refuses every request") as caught:
        generate(inputs, make_params(pace={"concurrency": 1}))
    assert service.counts["arrivals"] == 0
    assert "wrong-key-987" not in str(caught.value)
    for path in inputs.ledger.path.parent.iterdir():
        assert b"wrong-key-987" not in path.read_bytes()


def test_mixing_the_modes_pays_once(inputs: Inputs, service: Service, make_params: Make):
    """Requests in jobs under way are not sent one by one; once the jobs are done their answers count."""
    service.set(batch_seconds=0.6, disagree=0.0)
    batch = {"poll_seconds": 0.05, "wait": False}
    with pytest.raises(GeneratorError, match=r"No query was accepted so far.*: 1 batch job"):
        generate(inputs, make_params(mode="batch", batch=batch))
    with pytest.raises(GeneratorError, match="48 requests are left to batch jobs that are under way"):
        generate(inputs, make_params())
    assert service.counts["arrivals"] == 0
    time.sleep(0.7)
    done = generate(inputs, make_params())
    assert done.ends == {"accepted": PLANNED}
    counts = service.counts
    assert (counts["jobs"], counts["delivered_again"], counts["delivered"]) == (1, 0, 48 + 6)


def test_a_dry_run_cannot_be_entered_behind_its_plan(inputs: Inputs, service: Service, make_params: Make):
    """Whoever starts at a later node is told, and nothing is sent."""
    with pytest.raises(ConfigurationError, match="a dry run begins with plan_generation"):
        generate(inputs, make_params(dry_run=True))
    assert service.counts["arrivals"] == 0


def test_a_new_prompt_is_read_anew(inputs: Inputs, service: Service, make_params: Make):
    """Other words under the same ids are audited as well."""
    service.set(disagree=0.0)
    generate(inputs, make_params(queries={"formal": 1, "shorthand": 0, "lay": 1}))
    text = inputs.prompts["queries-3"]().replace("You are a physician", "You are an experienced physician")
    service.change(salt="other words")
    prompts = {**inputs.prompts, "queries-4": lambda: text}
    changed = Inputs(**{**vars(inputs), "prompts": prompts})
    done = generate(changed, make_params(prompt="queries-4"))
    assert done.report["unread"] == 0
    assert service.counts["arrivals"] == 2 * (48 + 6)


def test_the_budget_holds_for_a_resumed_batch(inputs: Inputs, service: Service, make_params: Make):
    """When all first requests are answered, what the second attempt would cost is known and weighed."""
    service.set(fault_rate=1.1, faults=["stubborn"])
    batch = {"poll_seconds": 0.05}
    params = make_params(mode="batch", batch=batch, attempts=1, audit={"enabled": False})
    first = generate(inputs, params)
    spent = first.report["money"]
    again = make_params(
        mode="batch", batch=batch, attempts=2, audit={"enabled": False}, budget={"money": spent * 1.01}
    )
    second = generate(inputs, again)
    assert "budget" in second.report["stopped"]
    assert second.report["money"] == 0
    assert second.report["ledger"]["money"] == spent


def test_in_a_notebook(inputs: Inputs, service: Service, make_params: Make):
    """Where an event loop runs already, requests are sent from another thread."""

    async def cell() -> Outputs:
        return generate(inputs, make_params())

    assert service.counts["arrivals"] == 0
    assert sum(asyncio.run(cell()).ends.values()) == PLANNED


def test_two_runs_at_once_are_refused(inputs: Inputs, service: Service, make_params: Make):
    """The second run ends before it sends anything."""
    with inputs.ledger.writing(), pytest.raises(LedgerError, match="Another run"):
        generate(inputs, make_params())
    assert service.counts["arrivals"] == 0


def test_a_plan_needs_no_key_and_sends_nothing(
    inputs: Inputs, service: Service, make_params: Make, monkeypatch: pytest.MonkeyPatch
):
    """Requests, tokens and money of both passes, with nothing sent and no ledger made."""
    monkeypatch.delenv("GEMINI_API_KEY")
    _, plan = nodes.plan_generation(
        inputs.code_set,
        inputs.notes,
        pd.DataFrame({"code": []}, dtype="str"),
        inputs.prompts,
        inputs.ledger,
        make_params(dry_run=True),
    )
    assert plan["dry_run"]
    assert [(task["task"], task["requests"], task["rows"]) for task in plan["tasks"]] == [
        ("queries", 48, PLANNED),
        ("audit", 6, PLANNED),
    ]
    assert all(task["money"] > 0 for task in plan["tasks"])
    assert service.counts["arrivals"] == 0
    assert not inputs.ledger.path.exists()


def test_what_mlflow_gets(inputs: Inputs, service: Service, make_params: Make):
    """Rows by end and reason, requests, faults, tokens, money, agreement; model and prompt hashes."""
    service.set(fault_rate=0.4, faults=["503", "safety"])
    record = generate(inputs, make_params()).record
    metrics, params = record["metrics"], record["params"]
    assert metrics["generation.rows.planned"] == PLANNED
    assert metrics["generation.failed.safety_block"] > 0
    assert metrics["generation.queries.fault.server_error"] > 0
    assert metrics["generation.queries.input_tokens"] > 0
    assert metrics["generation.queries.money"] > 0
    assert metrics["generation.audit.answers"] > 0
    assert metrics["generation.agreement.code"] > 0
    assert params["generation.model.model"] == "gemini-3.8-flash"
    assert len(params["generation.queries.prompt_hash"]) == 12
    assert params["generation.audit.prompt"] == "audit-2"
    assert KEY not in str(record)


def test_pipeline_makes_pairs_and_confusables():
    """What the later pipelines read, and what was asked and came of it."""
    outputs = create_pipeline().outputs()
    assert {"raw_pairs", "confusables", "generation_report", "generation_run"} <= outputs
    assert {"ledger", "generators", "prompts", "params:generation"} <= create_pipeline().inputs()
