"""The check of a corpus: every rule that a row breaks, in all files in one go; nothing is ever written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from codisearch.codes import CODE_PATTERN
from codisearch.corpus.tables import ANSWERS, CONFUSABLES, LISTED, read_table
from codisearch.datasets.corpus_rows import COLUMNS, Problem, Row, check_rows, read_file, read_rows
from codisearch.errors import InputError
from codisearch.languages import LANGUAGES, STYLES
from codisearch.pipelines.curation.params import CurationParams
from codisearch.rules.pair_rules import RULES, RuleContext
from codisearch.rules.text import keys_of

MIN_CONFUSABLES, MAX_CONFUSABLES = 3, 6
_NO_TITLES = ("en", "title")  # the code set has the English ones


@dataclass(frozen=True)
class Checked:
    """A corpus that was read, with all that is wrong with it.

    Attributes:
        pairs: The rows that have their fields, `schemas.RAW_PAIRS`.
        listed: The listed codes, `schemas.LISTED_CODES`.
        confusables: The confusable codes, `schemas.CONFUSABLES`.
        answers: The audits' answers, columns `tables.ANSWER_COLUMNS`.
        problems: Every rule broken, by file and line.
    """

    pairs: pd.DataFrame
    listed: pd.DataFrame
    confusables: pd.DataFrame
    answers: pd.DataFrame
    problems: tuple[Problem, ...]


def check_corpus(
    folder: Path, code_set: pd.DataFrame, params: CurationParams, contributed: Sequence[Path] = ()
) -> Checked:
    """Read a corpus and, as if they were part of it, contributed files; name every rule that is broken.

    Args:
        folder: The corpus: `<language>.csv`, `lists/` and `audit/`.
        code_set: The code set (`schemas.CODE_SET`).
        params: The curation pipeline's parameters, whose rules hold for the corpus too.
        contributed: Further files of pairs, of any name and with any languages.

    Raises:
        InputError: If the folder holds no corpus, or a contributed file is not there.
    """
    rows, problems = _read_pairs(folder, contributed)
    problems += check_rows(rows)
    pairs = pd.DataFrame([row.values for row in rows], columns=list(COLUMNS), dtype="str")
    problems += _curation_problems(rows, pairs, RuleContext.from_code_set(code_set, params))
    problems += _repeats(rows, pairs)
    codes = frozenset(code_set["code"])
    tables = [read_table(folder, table, codes.__contains__) for table in (LISTED, CONFUSABLES, ANSWERS)]
    problems += [problem for table in tables for problem in table.problems]
    listed, confusables, answers = tables
    problems += _coverage(pairs, listed.lines, confusables.rows)
    problems += _audited(pairs, answers.rows)
    order = sorted(problems, key=lambda problem: (problem.file, problem.line))
    return Checked(pairs, listed.rows, confusables.rows, answers.rows, tuple(order))


def _read_pairs(folder: Path, contributed: Sequence[Path]) -> tuple[list[Row], list[Problem]]:
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise InputError(
            f"No corpus in {folder}: expected files <language>.csv, one of {', '.join(LANGUAGES)}."
        )
    missing = [str(path) for path in contributed if not path.is_file()]
    if missing:
        raise InputError(f"No such file: {', '.join(missing)}.")
    items = [item for path in files for item in read_file(path)]
    items += [item for path in contributed for item in read_rows(path, COLUMNS)]
    return [i for i in items if isinstance(i, Row)], [i for i in items if isinstance(i, Problem)]


def _curation_problems(rows: Sequence[Row], pairs: pd.DataFrame, context: RuleContext) -> Iterator[Problem]:
    """Yield what the rules of the curation pipeline refuse, of rows whose values can be judged."""
    judged = pairs[
        pairs["code"].str.fullmatch(CODE_PATTERN)
        & pairs["language"].isin(LANGUAGES)
        & pairs["style"].isin(STYLES)
        & (pairs["query"].str.strip() != "")
    ]
    for name, rule in RULES.items():
        sentences = rule(judged, context)
        for number, sentence in sentences[sentences != ""].items():
            row = rows[int(str(number))]
            yield Problem(row.file, row.line, f"{name}: {sentence}")


def _repeats(rows: Sequence[Row], pairs: pd.DataFrame) -> Iterator[Problem]:
    """Yield the queries that stand twice for one code and language; a query may repeat a title."""
    queries = pairs[pairs["style"] != "title"]
    keyed = queries[["code", "language"]].assign(key=keys_of(queries))
    first: dict[tuple[str, ...], Row] = {}
    for number, values in zip(keyed.index, keyed.itertuples(index=False), strict=True):
        row = rows[int(number)]
        earlier = first.setdefault(tuple(values), row)
        if earlier is not row:
            rule = (
                f"exact_duplicate: repeats {earlier.values['pair_id']}, {earlier.file}, line {earlier.line}"
            )
            yield Problem(row.file, row.line, rule)


def _coverage(pairs: pd.DataFrame, lines: dict[str, int], confusables: pd.DataFrame) -> Iterator[Problem]:
    """Yield codes with pairs that are not listed, and listed codes without all that each should have."""
    if not lines:
        yield Problem(Path(LISTED.path).name, 1, f"no listed codes: expected {LISTED.path} in the corpus")
        return
    queries = pairs[pairs["style"] != "title"]
    present = set(zip(pairs["code"], pairs["language"], pairs["style"], strict=True))
    wanted = [
        (language, style) for language in LANGUAGES for style in STYLES if (language, style) != _NO_TITLES
    ]
    counts = confusables["code"].value_counts()
    for code in sorted(set(queries["code"]) - set(lines)):
        yield Problem(Path(LISTED.path).name, 1, f"code {code!r} has queries but is not listed")
    for code, line in lines.items():
        missing = [" ".join(part) for part in wanted if (code, *part) not in present]
        if missing:
            yield Problem(Path(LISTED.path).name, line, f"{code} has no row of: {', '.join(missing)}")
        if not MIN_CONFUSABLES <= counts.get(code, 0) <= MAX_CONFUSABLES:
            bounds = f"{MIN_CONFUSABLES} to {MAX_CONFUSABLES}"
            rule = f"{code} has {counts.get(code, 0)} confusable codes; allowed are {bounds}"
            yield Problem(Path(LISTED.path).name, line, rule)


def _audited(pairs: pd.DataFrame, answers: pd.DataFrame) -> Iterator[Problem]:
    """Yield the pairs whose text is no longer what an audit was given: a new text needs a new pair id."""
    fields = ["query", "code", "language", "style"]
    standing = answers.merge(pairs[["pair_id", *fields]], on="pair_id", suffixes=("", "_now"))
    changed = standing[fields].to_numpy() != standing[[f"{name}_now" for name in fields]].to_numpy()
    for pair_id in standing.loc[changed.any(axis=1), "pair_id"]:
        rule = f"{pair_id} is not what was audited under this id; a new text needs a new pair_id"
        yield Problem(Path(ANSWERS.path).name, 1, rule)
