"""What a run says at its end."""

import io

import pandas as pd
import pytest
from rich.console import Console

from codisearch.hooks import ClosingTableHooks, GenerationHooks

METRICS = pd.DataFrame(
    [
        ("bm25", "all", "all", "all", "code", "recall@5", 0.25, 0.2, 0.3, 40),
        ("bm25", "es", "all", "all", "code", "recall@5", 0.125, 0.1, 0.2, 20),
        ("two_stage", "all", "all", "all", "code", "recall@5", 0.75, 0.7, 0.8, 40),
        ("two_stage", "es", "all", "all", "code", "recall@5", 0.625, 0.5, 0.7, 20),
    ],
    columns=["system", "language", "style", "seen", "level", "metric", "value", "low", "high", "queries"],
)


@pytest.fixture
def output() -> io.StringIO:
    """Return what the console is written to."""
    return io.StringIO()


@pytest.fixture
def hooks(output: io.StringIO) -> ClosingTableHooks:
    """Return the hooks with a console that is read back."""
    return ClosingTableHooks(Console(file=output, width=100))


def test_table_at_the_end(hooks: ClosingTableHooks, output: io.StringIO) -> None:
    """Once metrics were saved, the end of the run shows each system and what to open next."""
    hooks.after_dataset_saved("metrics", METRICS)
    assert output.getvalue() == ""
    hooks.after_pipeline_run()
    lines = output.getvalue().splitlines()
    assert "recall@5 over the whole code set" in " ".join(output.getvalue().split())
    assert next(line for line in lines if "bm25" in line).split() == ["bm25", "0.125", "0.250"]
    assert next(line for line in lines if "two_stage" in line).split() == ["two_stage", "0.625", "0.750"]
    for command in ("codisearch search", "kedro viz", "mlflow ui", "report.html"):
        assert command in output.getvalue()


def test_real_mentions_have_a_table(hooks: ClosingTableHooks, output: io.StringIO) -> None:
    """Where there was a file of real mentions, what was found of them follows; an empty table is none."""
    hooks.after_dataset_saved("metrics", METRICS)
    hooks.after_dataset_saved("gold_metrics", METRICS.head(0))
    hooks.after_pipeline_run()
    assert "real mentions" not in output.getvalue()
    hooks.after_dataset_saved("metrics", METRICS)
    hooks.after_dataset_saved("gold_metrics", METRICS.assign(value=0.0625))
    hooks.after_pipeline_run()
    _, _, mentions = output.getvalue().partition("real mentions")
    assert mentions.count("0.062") == 4


def test_nothing_without_metrics(hooks: ClosingTableHooks, output: io.StringIO) -> None:
    """A run that measured nothing ends without a word."""
    hooks.after_dataset_saved("pairs", METRICS)
    hooks.after_pipeline_run()
    assert output.getvalue() == ""


def test_once(hooks: ClosingTableHooks, output: io.StringIO) -> None:
    """The next run of the same session does not show the metrics of the last."""
    hooks.after_dataset_saved("metrics", METRICS)
    hooks.after_pipeline_run()
    length = len(output.getvalue())
    hooks.after_pipeline_run()
    assert len(output.getvalue()) == length


PLAN = {
    "dry_run": True,
    "codes": 2,
    "languages": ["es"],
    "mode": "online",
    "currency": "USD",
    "budget": {},
    "spent": {"requests": 0, "input_tokens": 0, "output_tokens": 0, "money": 0.0},
    "tasks": [
        {
            "task": "queries",
            "generator": "gemini",
            "model": "gemini-x",
            "requests": 12,
            "answered": 0,
            "rows": 36,
            "input_tokens": 1_000,
            "output_tokens": 500,
            "money": 0.1,
            "seconds": 9.0,
            "basis": "an estimate",
        }
    ],
}


@pytest.fixture
def generation(output: io.StringIO) -> GenerationHooks:
    """Return the hooks of the generation with a console that is read back."""
    return GenerationHooks(Console(file=output, width=100))


def test_a_dry_run_ends_after_its_plan(generation: GenerationHooks, output: io.StringIO) -> None:
    """The plan is shown, and the run ends well before anything is sent."""
    with pytest.raises(SystemExit) as ended:
        generation.after_dataset_saved("generation_plan", PLAN)
    assert ended.value.code == 0
    assert "gemini-x" in output.getvalue()
    assert "nothing was sent" in output.getvalue()


def test_a_run_goes_on_after_its_plan(generation: GenerationHooks, output: io.StringIO) -> None:
    """Without dry_run the plan is shown and nothing more is done."""
    generation.after_dataset_saved("generation_plan", {**PLAN, "dry_run": False})
    assert "gemini-x" in output.getvalue()
    assert "Dry run" not in output.getvalue()


def test_a_run_that_ended_before_it_had_anything(generation: GenerationHooks, output: io.StringIO) -> None:
    """It ends well, with the reason; one that has something goes on."""
    generation.after_dataset_saved("writing_report", {"stopped": "the quota", "accepted": 3})
    generation.after_dataset_saved("writing_report", {})
    assert output.getvalue() == ""
    with pytest.raises(SystemExit) as ended:
        generation.after_dataset_saved(
            "writing_report", {"stopped": "batch jobs are under way", "accepted": 0}
        )
    assert ended.value.code == 0
    assert "Ended early: batch jobs are under way." in output.getvalue()


REPORT = {
    "source": "gemini-x-12345678",
    "rows": {"planned": 4, "accepted": 4, "rejected": 0, "failed": 0, "pending": 0},
    "reasons": {},
    "confusables": {"kept": 1},
    "agreement": {},
    "unread": 0,
    "corpus_pairs": 0,
    "queries": {},
    "audit": {},
    "money": 0.0,
    "currency": "USD",
    "ledger": {"requests": 4, "tokens": 10, "money": 0.0},
    "stopped": "",
}


def test_a_run_that_ended_early_goes_no_further(generation: GenerationHooks, output: io.StringIO) -> None:
    """What follows would train on a part of the pairs; a run that came to its end goes on."""
    generation.after_dataset_saved("generation_report", REPORT)
    assert "gemini-x-12345678" in output.getvalue()
    with pytest.raises(SystemExit) as ended:
        generation.after_dataset_saved("generation_report", {**REPORT, "stopped": "the budget"})
    assert ended.value.code == 0
    assert "The same command goes on." in output.getvalue()


def test_the_corpus_has_no_plan(generation: GenerationHooks, output: io.StringIO) -> None:
    """Nothing is shown; a dry run says that there is nothing to send."""
    plan = {"generator": "corpus", "dry_run": False, "tasks": []}
    generation.after_dataset_saved("generation_plan", plan)
    generation.after_dataset_saved("generation_report", {"generator": "corpus", "rows": {"accepted": 1}})
    generation.after_dataset_saved("pairs", METRICS)
    assert output.getvalue() == ""
    with pytest.raises(SystemExit):
        generation.after_dataset_saved("generation_plan", {**plan, "dry_run": True})
    assert "nothing to send" in output.getvalue()
