"""A small corpus with everything that a corpus has, on disk."""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd
import pytest
import yaml

from codisearch.corpus.tables import ANSWER_COLUMNS, CONFUSABLE_COLUMNS, LISTED_COLUMNS
from codisearch.datasets.corpus_rows import COLUMNS
from codisearch.languages import LANGUAGES
from codisearch.pipelines.curation.params import CurationParams

ROOT = Path(__file__).parents[2]
QUERIES = {
    "en": ("raised arterial tension", "HTN on meds", "my blood pressure runs high"),
    "es": ("hipertensión arterial esencial", "HTA en tto.", "tengo la tensión alta desde hace años"),
    "ca": ("hipertensió arterial essencial", "HTA en tractament", "tinc la pressió alta de fa anys"),
    "it": ("ipertensione arteriosa essenziale", "IPA in terapia", "ho la pressione alta da anni"),
    "pt": ("hipertensão arterial essencial", "HTA medicada", "tenho a tensão alta há anos"),
    "fr": ("hypertension artérielle essentielle", "HTA traitée", "j'ai trop de tension depuis des années"),
}
STYLES = ("formal", "shorthand", "lay")


@pytest.fixture(scope="session")
def params() -> CurationParams:
    """Return the curation parameters of the offline default."""
    text = (ROOT / "conf" / "base" / "parameters" / "curation.yml").read_text(encoding="utf-8")
    return CurationParams.model_validate(yaml.safe_load(text)["curation"])


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([columns, *rows])


def pair(language: str, style: str, query: str, code: str = "I10", number: int = 1) -> tuple[str, ...]:
    """Return a row of a corpus file."""
    identity = f"{language}-{code}-{style}-{number}"
    return (identity, query, code, language, style, "", "model", "0123456789ab", "2026-11-24")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Return the folder of a corpus of one listed code, without anything wrong."""
    folder = tmp_path / "corpus"
    for language in LANGUAGES:
        rows = [pair(language, style, query) for style, query in zip(STYLES, QUERIES[language], strict=True)]
        if language != "en":
            rows.append(pair(language, "title", f"Hipertensión {language}"))
        write_table(folder / f"{language}.csv", COLUMNS, rows)
    write_table(
        folder / "lists/codes.csv", LISTED_COLUMNS, [("I10", "09", "common", "most frequent diagnosis")]
    )
    confusables = [("I10", code, "disorder", "another disease") for code in ("J45.9", "R07.0", "E11.9")]
    write_table(folder / "lists/confusables.csv", CONFUSABLE_COLUMNS, confusables)
    answers = [
        ("1", "en-I10-formal-1", "en", "formal", "raised arterial tension", "I10", "I10"),
        ("1", "es-I10-lay-1", "es", "lay", "tengo la tensión alta desde hace años", "I10", ""),
    ]
    write_table(folder / "audit/answers.csv", ANSWER_COLUMNS, answers)
    (folder / "README.md").write_text(
        "# Card\n<!-- figures: begin -->\nold\n<!-- figures: end -->\n# After\n", encoding="utf-8"
    )
    return folder


@pytest.fixture
def append() -> Callable[..., None]:
    """Return a function that appends rows to a file."""

    def run(path: Path, *rows: Sequence[str]) -> None:
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    return run


@pytest.fixture
def code_set(tiny_code_set: pd.DataFrame) -> pd.DataFrame:
    """Return the tiny code set."""
    return tiny_code_set
