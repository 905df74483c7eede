"""Nodes of the `generation` pipeline."""

import logging
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from codisearch.errors import ConfigurationError, GeneratorError
from codisearch.generators.contract import Answer
from codisearch.generators.ledger import Ledger, Totals
from codisearch.generators.registry import Generators
from codisearch.pipelines.generation import auditing, writing
from codisearch.pipelines.generation.answers import read_blind_codes, read_queries
from codisearch.pipelines.generation.auditing import (
    Auditing,
    faults_of,
    harvest,
    is_unread,
    mark_agreement,
)
from codisearch.pipelines.generation.confusables import Confusables
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.passes import (
    Prompts,
    plan_audit,
    plan_sheets,
    plan_writing,
    sender_of,
    writing_of,
)
from codisearch.pipelines.generation.prompts import find_prompt
from codisearch.pipelines.generation.report import (
    Report,
    corpus_report,
    generation_report,
    run_record,
    task_report,
)
from codisearch.pipelines.generation.rows import IN_A_JOB, Judge, Rows
from codisearch.pipelines.generation.targets import choose_targets
from codisearch.pipelines.generation.writing import Writing
from codisearch.rules.pair_rules import RuleContext
from codisearch.rules.params import LanguageParams, LengthParams, RuleParams
from codisearch.schemas import CONFUSABLES, GENERATED_ROWS, RAW_PAIRS

logger = logging.getLogger(__name__)


def plan_generation(
    code_set: pd.DataFrame,
    code_notes: pd.DataFrame,
    listed_codes: pd.DataFrame,
    prompts: Prompts,
    ledger: Ledger,
    params: GenerationParams,
) -> tuple[list[str], dict[str, Any]]:
    """Return the codes that get queries, and what writing and auditing them will come to.

    With the corpus there are no codes, and nothing to plan.

    Raises:
        ConfigurationError: If codes, prompts or models do not fit.
    """
    plan: dict[str, Any] = {"generator": params.generator, "dry_run": params.dry_run, "tasks": []}
    if not params.live:
        return [], plan
    targets = choose_targets(code_set, listed_codes, params.codes)
    pass_ = writing_of(code_set, code_notes, prompts, params)
    tasks = [plan_writing(pass_, targets, ledger, params)]
    if params.audit.enabled:
        tasks.append(plan_audit(prompts, targets, ledger, params))
    budget = params.budget.model_dump(exclude_none=True)
    spent = asdict(ledger.totals().spent)
    currency = params.models[params.generator].prices.currency
    plan |= {"mode": params.mode, "codes": len(targets), "languages": list(params.languages)}
    plan |= {
        "tasks": [asdict(task) for task in tasks],
        "currency": currency,
        "budget": budget,
        "spent": spent,
    }
    return targets, plan


def write_queries(
    targets: list[str],
    code_set: pd.DataFrame,
    code_notes: pd.DataFrame,
    prompts: Prompts,
    generators: Generators,
    ledger: Ledger,
    params: GenerationParams,
    length: LengthParams,
    leftovers: dict[str, str],
    language: LanguageParams,
) -> tuple[pd.DataFrame, pd.DataFrame, Report]:
    """Ask for queries of all codes in all languages, and return rows, confusable codes and what it came to.

    Answers of no use are asked for again, up to `params.attempts` times. What the ledger holds is not asked
    again; a run that was stopped goes on.

    Args:
        targets: The codes.
        code_set: The code set (`schemas.CODE_SET`).
        code_notes: What each code excludes (`schemas.CODE_NOTES`).
        prompts: The prompt files.
        generators: What can be asked.
        ledger: Every request and answer so far.
        params: The pipeline's parameters.
        length: The rules' bounds on a query's length.
        leftovers: The rules' patterns of what a generator leaves behind.
        language: The rules' language identification.

    Returns:
        A row for each planned query, `schemas.CONFUSABLES`, and a report.

    Raises:
        ConfigurationError: If the generator cannot be used as it is set.
        GeneratorError: If the service refuses the key or the model.
        LedgerError: If another run is writing to the ledger.
    """
    _refuse_dry_run(params)
    if not params.live:
        return _no_rows(), _empty(CONFUSABLES), {}
    pass_ = writing_of(code_set, code_notes, prompts, params)
    rules = RuleParams(length=length, leftovers=leftovers, language=language)
    context = RuleContext.from_code_set(code_set, rules)
    rows, confusables = Rows(pass_.units(targets), params), Confusables.of(code_set)
    judge = Judge(rows.units, params, context, confusables)
    expected = plan_writing(pass_, targets, ledger, params).expected
    before, first_keys = ledger.totals(writing.TASK), tuple[str, ...]()
    stopped = ""
    with ledger.writing() as writer:
        sender = sender_of(params.generator, generators, ledger, writer, expected, params, _rows_in)
        for attempt in range(1, params.attempts + 1):
            numbers = rows.wanting()
            if not numbers or stopped:
                break
            asked = pass_.requests([rows.units[number] for number in numbers], attempt)
            sent = sender.send(asked, len(numbers), f"queries, attempt {attempt}")
            rows.add(judge.judge(numbers, ledger.answers(sent.keys), attempt))
            stopped = sent.stopped
            first_keys = first_keys or sent.keys
    return _written(pass_, rows, first_keys, confusables, ledger, before, stopped)


def audit_queries(
    written_rows: pd.DataFrame,
    writing_report: Report,
    code_set: pd.DataFrame,
    prompts: Prompts,
    generators: Generators,
    ledger: Ledger,
    params: GenerationParams,
) -> tuple[pd.DataFrame, Report]:
    """Have a model code the accepted queries blind, and return the rows with what it makes of them.

    While a run has stopped early, nothing is audited: the rows are not complete.

    Returns:
        `schemas.GENERATED_ROWS`, and a report; empty without an audit.
    """
    _refuse_dry_run(params)
    unmarked = written_rows.assign(answer="", agreement="").astype({"answer": "str", "agreement": "str"})
    if not params.live or not params.audit.enabled:
        return unmarked, {}
    audit = Auditing(find_prompt(prompts, params.audit.prompt), params)
    stopped = str(writing_report["stopped"])

    def coded() -> dict[auditing.Question, auditing.Coded]:
        return harvest(ledger.answers_of(auditing.TASK, audit.settings), audit.prompt.hash)

    before, every = ledger.totals(auditing.TASK), audit.sheets(unmarked)
    expected = plan_sheets(audit, every, ledger, params).expected
    with ledger.writing() as writer:
        sender = sender_of(params.auditor, generators, ledger, writer, expected, params, _codes_in)
        for attempt in range(1, params.attempts + 1):
            sheets = audit.open_sheets(every, coded(), attempt, ledger.settled_keys())
            if stopped:
                break
            requests = (audit.request(sheet, attempt) for sheet in sheets)
            stopped = (
                sender.send(requests, len(sheets), f"audit, attempt {attempt}").stopped if sheets else ""
            )
    rows = mark_agreement(unmarked, coded(), frozenset(code_set["code"]), params)
    prompt = {"name": audit.prompt.name, "hash": audit.prompt.hash}
    currency = params.models[params.auditor].prices.currency
    useless = faults_of(ledger.answers_of(auditing.TASK, audit.settings), audit.prompt.hash)
    report = task_report(before, ledger.totals(auditing.TASK), currency, stopped, prompt, useless)
    if unread := int(is_unread(rows).sum()):
        logger.warning(
            "%d accepted queries were not read by the blind reader (%s).", unread, useless or stopped
        )
    return rows, report


def collect_pairs(
    corpus: pd.DataFrame,
    listed_confusables: pd.DataFrame,
    rows: pd.DataFrame,
    generated_confusables: pd.DataFrame,
    writing_report: Report,
    audit_report: Report,
    ledger: Ledger,
    params: GenerationParams,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, dict[str, Any]], Report]:
    """Return what the later pipelines train and test on, and the report of how it came to be.

    Args:
        corpus: The pairs of the corpus files.
        listed_confusables: The confusable codes of the corpus.
        rows: What the language model wrote (`schemas.GENERATED_ROWS`); none with the corpus.
        generated_confusables: The confusable codes that it named.
        writing_report: What writing came to.
        audit_report: What auditing came to.
        ledger: Every request and answer.
        params: The pipeline's parameters.

    Returns:
        `schemas.RAW_PAIRS`, `schemas.CONFUSABLES`, what MLflow gets of the report, and the report.

    Raises:
        GeneratorError: If a language model was asked and no query was accepted.
    """
    if not params.live:
        pairs = sample_by_code(corpus, params.sample_codes)
        logger.info("%d pairs of %d codes.", len(pairs), pairs["code"].nunique())
        report = corpus_report(len(pairs))
        return pairs, listed_confusables, run_record(report), report
    accepted = rows.loc[rows["status"] == "accepted", list(RAW_PAIRS.columns)]
    if accepted.empty:
        if writing_report["stopped"]:
            raise GeneratorError(
                f"No query was accepted so far, and the run ended early: {writing_report['stopped']}."
            )
        reasons = rows["reason"].value_counts().head(3)
        shown = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
        raise GeneratorError(
            f"None of {len(rows)} planned queries was accepted, most often because of: {shown}. "
            "generation_rows has every row with its reason."
        )
    pairs, confusables = accepted, generated_confusables
    if params.include_corpus:
        pairs = pd.concat([corpus, accepted])
        confusables = pd.concat([listed_confusables, confusables]).drop_duplicates(["code", "confusable"])
    counts = {"kept": len(generated_confusables), **writing_report["refused_confusables"]}
    spent, beside = ledger.totals().spent, len(pairs) - len(accepted)
    report = generation_report(rows, writing_report, audit_report, counts, beside, spent, params)
    return pairs.reset_index(drop=True), confusables.reset_index(drop=True), run_record(report), report


def sample_by_code(pairs: pd.DataFrame, codes: int | None) -> pd.DataFrame:
    """Return all pairs of `codes` codes that have queries, evenly spread in code order; None keeps all."""
    if codes is None:
        return pairs
    queries = pairs[pairs["style"] != "title"]
    every = np.sort((queries if len(queries) else pairs)["code"].unique().astype(object))
    places = np.linspace(0, len(every) - 1, min(codes, len(every))).round().astype(int)
    return pairs[pairs["code"].isin(every[places])].reset_index(drop=True)


def _refuse_dry_run(params: GenerationParams) -> None:
    """Raise in a run that was begun behind the plan, with which a dry run ends."""
    if params.live and params.dry_run:
        raise ConfigurationError(
            "generation.dry_run: nothing is sent; a dry run begins with plan_generation."
        )


def _written(
    pass_: Writing,
    rows: Rows,
    keys: tuple[str, ...],
    confusables: Confusables,
    ledger: Ledger,
    before: Totals,
    stopped: str,
) -> tuple[pd.DataFrame, pd.DataFrame, Report]:
    faults = ledger.last_faults() | {key: (IN_A_JOB, "") for job in ledger.open_jobs() for key in job.keys}
    by_unit = {number: faults[key] for number, key in enumerate(keys) if key in faults}
    finished = rows.finish(by_unit, pass_.source, pass_.prompt.hash, stopped=bool(stopped))
    drafts = rows.drafts
    params = pass_.params
    prompt = {"name": pass_.prompt.name, "hash": pass_.prompt.hash}
    currency = params.models[params.generator].prices.currency
    report = task_report(before, ledger.totals(writing.TASK), currency, stopped, prompt, rows.faults) | {
        "source": pass_.source,
        "accepted": int((finished["status"] == "accepted").sum()),
        "refused_drafts": drafts.loc[drafts["rule"] != "", "rule"].value_counts().to_dict(),
        "refused_confusables": dict(confusables.refused),
    }
    return finished, confusables.kept, report


def _rows_in(answer: Answer) -> int:
    return len(read_queries(answer).queries)


def _codes_in(answer: Answer) -> int:
    return len(read_blind_codes(answer)[1])


def _no_rows() -> pd.DataFrame:
    return _empty(GENERATED_ROWS).drop(columns=["answer", "agreement"])


def _empty(schema: Any) -> pd.DataFrame:  # noqa: ANN401  # pandera's schemas have no common public type
    return pd.DataFrame({str(name): [] for name in schema.columns}, dtype="str")
