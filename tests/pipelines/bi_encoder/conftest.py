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
