"""The two passes before they run: what each asks, what it will come to, and who sends it."""

from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from codisearch.generators.contract import Answer
from codisearch.generators.ledger import Ledger
from codisearch.generators.ledger_writer import LedgerWriter
from codisearch.generators.meter import Expected, Meter
from codisearch.generators.registry import Generators
from codisearch.pipelines.generation import auditing, writing
from codisearch.pipelines.generation.auditing import Auditing, harvest
from codisearch.pipelines.generation.cards import CodeCards
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.plan import Size, TaskPlan, measure, plan_task
from codisearch.pipelines.generation.prompts import find_prompt
from codisearch.pipelines.generation.sending import Sender
from codisearch.pipelines.generation.writing import Writing

Prompts = Mapping[str, Callable[[], str]]
_BLIND_TOKENS: Final = 16.0  # of an answer: a number and a code in JSON
_QUERY_CHARACTERS: Final = 50


def writing_of(
    code_set: pd.DataFrame, code_notes: pd.DataFrame, prompts: Prompts, params: GenerationParams
) -> Writing:
    """Return what the first pass asks."""
    cards = CodeCards.from_frames(code_set, code_notes, params.neighbours)
    return Writing(find_prompt(prompts, params.prompt), cards, params)


def plan_writing(pass_: Writing, targets: list[str], ledger: Ledger, params: GenerationParams) -> TaskPlan:
    """Return the plan of the first pass."""
    units = pass_.units(targets)
    rows = sum(count for unit in units for _, count in params.slots(unit.language))
    waiting = {key for job in ledger.open_jobs() for key in job.keys}
    size = measure(pass_.requests(units, 1), rows, ledger.settled_keys() | waiting)
    estimate = params.estimate
    answer = estimate.tokens_per_request + estimate.tokens_per_query * rows / max(1, len(units))
    return plan_task(writing.TASK, params.generator, size, answer, ledger, params)


def plan_audit(prompts: Prompts, targets: list[str], ledger: Ledger, params: GenerationParams) -> TaskPlan:
    """Return the plan of the audit, as if every planned query were accepted, but for those that were read."""
    prompt = find_prompt(prompts, params.audit.prompt)
    size = params.audit.queries_per_request
    audit, source = Auditing(prompt, params), writing.source_of(params, params.generator)
    known = set(targets)
    read = [
        one.pair_id.split("-", 2)
        for one in harvest(ledger.answers_of(auditing.TASK, audit.settings), prompt.hash)
        if f"-{source}-" in one.pair_id
    ]
    requests = rows = answered = 0
    for language in params.languages:
        queries = sum(n for style, n in params.slots(language) if style != "title") * len(targets)
        left = max(0, queries - sum(tongue == language and code in known for tongue, code, _ in read))
        rows += queries
        requests += -(-queries // size)
        answered += -(-queries // size) + -left // size
    characters = requests * (len(prompt.text) + size * _QUERY_CHARACTERS)
    wanted = Size(requests, answered, rows, characters)
    return plan_task(auditing.TASK, params.auditor, wanted, size * _BLIND_TOKENS, ledger, params)


def plan_sheets(
    audit: Auditing, sheets: list[auditing.Sheet], ledger: Ledger, params: GenerationParams
) -> TaskPlan:
    """Return the plan of the audit once its sheets are known."""
    requests = (audit.request(sheet, 1) for sheet in sheets)
    size = measure(requests, sum(len(sheet.questions) for sheet in sheets), set())
    answer = params.audit.queries_per_request * _BLIND_TOKENS
    return plan_task(auditing.TASK, params.auditor, size, answer, ledger, params)


def sender_of(
    name: str,
    generators: Generators,
    ledger: Ledger,
    writer: LedgerWriter,
    expected: Expected,
    params: GenerationParams,
    rows_in: Callable[[Answer], int],
) -> Sender:
    """Return what sends the requests of a pass to a generator, within the ledger's budget.

    Raises:
        ConfigurationError: If the generator cannot be used as it is set, or has no key.
    """
    generator = generators.create(name, params.models[name])
    meter = Meter(params.budget, ledger.totals().spent, expected)
    return Sender(generator, ledger, writer, meter, params, rows_in)
