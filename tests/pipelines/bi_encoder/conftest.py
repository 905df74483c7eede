"""What the bi-encoder learns from in these tests: words without a meaning, to be learned by heart."""

from pathlib import Path

import pandas as pd
import pytest

from codisearch.pipelines.bi_encoder.params import CandidateParams
from codisearch.retrieval.encoder import EncoderSpec

COLUMNS = {"code": str, "language": str, "source": str}


@pytest.fixture(scope="session")
def index_aliases() -> pd.DataFrame:
    """Return two entries of the Alphabetic Index, one of a code that is not in the code set."""
    rows = [
        ("Diabetes, type 2", "E11.9", "en", "alphabetic_index"),
        ("Cholera", "A00.9", "en", "alphabetic_index"),
    ]
    return pd.DataFrame(rows, columns=["alias", *COLUMNS], dtype=str)


@pytest.fixture(scope="session")
def national_titles() -> pd.DataFrame:
    """Return one Spanish title."""
    return pd.DataFrame({"code": ["I10"], "title": ["Hipertensión esencial"], "language": ["es"]}, dtype=str)


@pytest.fixture(scope="session")
def toy_code_set() -> pd.DataFrame:
    """Return 20 codes of four categories whose titles are nonsense words, each of its own."""
    rows = []
    for number in range(4):
        category = f"A{number:02}"
        words = [f"{a}{b}" for a, b in zip("bcdfg", "aeiou"[number:] + "aeiou"[:number], strict=True)]
        rows.append((category, "", f"zone {number}"))
        rows += [(f"{category}.{i}", category, f"{word * 3} zone") for i, word in enumerate(words)]
    frame = pd.DataFrame(rows, columns=["code", "parent", "title"], dtype=str)
    return frame.assign(inclusion_terms=[[] for _ in rows])


@pytest.fixture(scope="session")
def toy_pairs(toy_code_set: pd.DataFrame) -> pd.DataFrame:
    """Return two queries of each leaf, whose letters say nothing of the title: a stem to learn in each."""
    leaves = toy_code_set.loc[toy_code_set["parent"] != "", "code"].tolist()
    rows = []
    for number, code in enumerate(leaves):
        stem = "".join("hjklm"[(number // 5**place) % 5] + "xyw"[place] for place in range(3)) + "n"
        rows += [(f"{stem} p", code, "train"), (f"{stem} q", code, "train"), (stem, code, "validation")]
    frame = pd.DataFrame(rows, columns=["query", "code", "split"], dtype=str)
    ids = [f"p{number:03}" for number in range(len(rows))]
    return frame.assign(pair_id=ids, language="es", style="formal")


@pytest.fixture(scope="session")
def static_candidate(tiny_encoder: Path) -> CandidateParams:
    """Return a static candidate that learns in a second."""
    return CandidateParams(
        name="static",
        encoder=EncoderSpec(source=str(tiny_encoder), kind="static", buckets=512),
        batch_size=16,
        mini_batch_size=8,
        learning_rate=0.05,
        epochs=8,
        evaluations=2,
    )


@pytest.fixture(scope="session")
def transformer_candidate(tiny_encoder: Path) -> CandidateParams:
    """Return a transformer candidate that hardly learns: two small steps."""
    return CandidateParams(
        name="transformer",
        encoder=EncoderSpec(source=str(tiny_encoder), kind="transformer", max_length=16),
        batch_size=8,
        mini_batch_size=4,
        learning_rate=1e-5,
        epochs=1,
        max_steps=2,
        evaluations=1,
    )
