"""Tests of the code set's nodes."""

import logging
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from codisearch.codes import CodeTree
from codisearch.errors import ConfigurationError, InputError
from codisearch.pipelines.code_set import create_pipeline
from codisearch.pipelines.code_set.nodes import collect_national_titles, sample_categories
from codisearch.pipelines.code_set.params import CodeSetParams, TitlesParams
from codisearch.pipelines.code_set.release import Entry, Release, frame_of
from codisearch.schemas import CODE_SET, TITLES

CODES = [code for number in range(10) for code in (f"A{number:02d}", f"A{number:02d}.0", f"A{number:02d}.01")]


@pytest.fixture
def code_set() -> pd.DataFrame:
    """Return ten categories with two codes below each other in every one."""
    return make_code_set()


def make_code_set() -> pd.DataFrame:
    """Return the code set of `CODES`."""
    return frame_of(
        Release("R", tuple(Entry(code, f"Title {code}", "01", len(code) > 5, ()) for code in CODES))
    )


def titles(language: str, *rows: tuple[str, str]) -> pd.DataFrame:
    """Return a language's table of (code, title)."""
    return pd.DataFrame(
        [(*row, language) for row in rows], columns=["code", "title", "language"], dtype="str"
    )


def six(**tables: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the tables of all languages in the order of the vocabulary, those not given without rows."""
    return [tables.get(language, titles(language)) for language in ("en", "es", "ca", "it", "pt", "fr")]


def test_sample_is_evenly_spread_and_whole(code_set: pd.DataFrame):
    """Four of ten categories are the first, the last and two between, each with all its codes."""
    sample = CODE_SET.validate(sample_categories(code_set, CodeSetParams(sample=4, keep=("A01",))))
    assert list(sample["category"].unique()) == ["A00", "A01", "A03", "A06", "A09"]
    assert len(sample) == 15
    assert list(sample.index) == list(range(15))


@given(st.integers(1, 14), st.sets(st.sampled_from(CODES[::3])))
def test_sample_keeps_the_tree_whole(size: int, keep: set[str]):
    """Whatever the size, every parent is in the sample, and so is what must be kept."""
    sample = sample_categories(make_code_set(), CodeSetParams(sample=size, keep=tuple(keep)))
    codes = set(sample["code"])
    assert keep <= codes
    assert set(CodeTree.from_frame(sample).parents.values()) <= codes
    assert min(size, 10) <= sample["category"].nunique() <= min(size, 10) + len(keep)


def test_no_sample_returns_everything(code_set: pd.DataFrame):
    """Without a sample, `keep` changes nothing."""
    assert sample_categories(code_set, CodeSetParams(keep=("A01",))) is code_set


def test_unknown_category_to_keep(code_set: pd.DataFrame):
    """A category to keep that the release does not have is named."""
    with pytest.raises(ConfigurationError, match=r"code_set\.keep: A05\.0, Z99 not in the release"):
        sample_categories(code_set, CodeSetParams(sample=2, keep=("Z99", "A05.0", "A01")))


@pytest.mark.parametrize("values", [{"source": "who"}, {"sample": 0}, {"sampel": 1}, {"cms": {"file": "x"}}])
def test_parameters_refuse_what_is_unknown(values: dict[str, object]):
    """Unknown keys, sources and sizes are refused."""
    with pytest.raises(ValidationError):
        CodeSetParams.model_validate(values)


def test_national_titles_are_cleaned(code_set: pd.DataFrame, caplog: pytest.LogCaptureFixture):
    """Codes are dotted, titles squeezed, repeats dropped, and what cannot be used is counted."""
    table = titles(
        "es",
        ("A0001", " Cólera   clásico"),
        ("A00.01", "Cólera clásico"),
        ("A01", "  "),
        ("Z99.9", "x"),
        ("?", "y"),
    )
    with caplog.at_level(logging.WARNING):
        found = TITLES.validate(
            collect_national_titles(code_set, TitlesParams(languages=("es",)), *six(es=table))
        )
    assert found.to_dict("records") == [{"code": "A00.01", "title": "Cólera clásico", "language": "es"}]
    assert "Titles for 'es': 1 rows without a title are left out." in caplog.text
    assert "Titles for 'es': 2 rows left out" in caplog.text


def test_languages_come_together(code_set: pd.DataFrame):
    """The chosen languages stand in one table, in the order of the vocabulary."""
    tables = six(fr=titles("fr", ("A00", "Choléra")), ca=titles("ca", ("A00", "Còlera")))
    found = TITLES.validate(collect_national_titles(code_set, TitlesParams(languages=("fr", "ca")), *tables))
    assert list(found["language"]) == ["ca", "fr"]


def test_no_titles_give_an_empty_table(code_set: pd.DataFrame):
    """The default, no language, gives a table without rows that satisfies the schema."""
    assert len(TITLES.validate(collect_national_titles(code_set, TitlesParams(), *six()))) == 0


def test_file_of_a_language_that_is_not_chosen_is_mentioned(
    code_set: pd.DataFrame, caplog: pytest.LogCaptureFixture
):
    """A file that someone dropped in without choosing it is not passed over in silence."""
    with caplog.at_level(logging.WARNING):
        found = collect_national_titles(code_set, TitlesParams(), *six(es=titles("es", ("A00", "Cólera"))))
    assert found.empty
    assert "The 1 titles for 'es' stay unused: it is not in titles.languages." in caplog.text


def test_chosen_language_without_titles(code_set: pd.DataFrame):
    """A chosen language must have a file; the message says where and with which columns."""
    with pytest.raises(
        InputError, match=r"asks for 'es'.*data/01_raw/titles/es\.csv with the columns code,title"
    ):
        collect_national_titles(code_set, TitlesParams(languages=("es",)), *six())


def test_pipeline_makes_its_tables():
    """The pipeline's outputs are the design's, and the titles come through the dataset factory's names."""
    pipeline = create_pipeline()
    assert pipeline.outputs() == {"code_notes", "index_aliases", "national_titles"}
    assert "code_set" in pipeline.all_outputs()
    assert {"es_titles", "fr_titles", "params:code_set", "params:titles"} <= pipeline.inputs()


def test_configuration_is_valid():
    """The parameters in conf are those of the models, with their defaults."""
    from kedro.config import OmegaConfigLoader

    root = Path(__file__).parents[3]
    loader = OmegaConfigLoader(str(root / "conf"), base_env="base", default_run_env="local")
    parameters = loader["parameters"]
    assert CodeSetParams.model_validate(parameters["code_set"]) == CodeSetParams()
    assert TitlesParams.model_validate(parameters["titles"]) == TitlesParams()
