"""The alias table."""

import pandas as pd
import pytest

from codisearch.errors import ConfigurationError
from codisearch.retrieval.aliases import SOURCES, AliasSource, build_aliases, positions_of
from codisearch.schemas import ALIASES


@pytest.fixture
def nothing(index_aliases: pd.DataFrame) -> pd.DataFrame:
    """Return a table of aliases without rows."""
    return index_aliases.iloc[:0]


def rows(aliases: pd.DataFrame, source: AliasSource) -> list[tuple[str, str, str]]:
    """Return alias, code and language of a source."""
    of_source = aliases[aliases["source"] == source]
    return list(of_source[["alias", "code", "language"]].itertuples(index=False, name=None))


def test_all_sources(aliases: pd.DataFrame) -> None:
    """The table fits its schema, holds every source in the fixed order and no alias of a code twice."""
    ALIASES.validate(aliases)
    assert list(dict.fromkeys(aliases["source"])) == [source for source in SOURCES if source != "title"]
    assert aliases["source"].value_counts().to_dict() == {
        "official_title": 13,
        "query": 9,
        "inclusion_term": 5,
        "national_title": 4,
        "alphabetic_index": 2,
    }
    assert not aliases.duplicated(["alias", "code"]).any()
    assert aliases.index.tolist() == list(range(33))


def test_inclusion_terms(aliases: pd.DataFrame) -> None:
    """Each inclusion term is an English alias of its code; codes without one have none."""
    assert rows(aliases, "inclusion_term") == [
        ("Juvenile diabetes", "E10.9", "en"),
        ("Diabetes due to insulin resistance", "E11", "en"),
        ("High blood pressure", "I10", "en"),
        ("Asthmatic bronchitis", "J45.9", "en"),
        ("Late onset asthma", "J45.9", "en"),
    ]


def test_only_training_queries(aliases: pd.DataFrame, tiny_pairs: pd.DataFrame) -> None:
    """Queries of validation and test are no aliases; one with two codes is an alias of both."""
    queries = {(alias, code) for alias, code, _ in rows(aliases, "query")}
    train = tiny_pairs[tiny_pairs["split"] == "train"]
    assert queries == set(zip(train["query"], train["code"], strict=True))
    assert {("diabete", "E10.9"), ("diabete", "E11.9")} <= queries
    assert not aliases["alias"].isin(["dolor torácico", "asma"]).any()


def test_unknown_codes_are_left_out(aliases: pd.DataFrame) -> None:
    """A national title of a code that the release does not have is no alias."""
    assert "Z99.9" not in set(aliases["code"])


def test_chosen_sources(
    tiny_code_set: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    nothing: pd.DataFrame,
    national_titles: pd.DataFrame,
) -> None:
    """Only the sources asked for enter, in the fixed order whatever order they are asked for in."""
    found = build_aliases(
        tiny_code_set, tiny_pairs, nothing, national_titles, ("national_title", "official_title", "title")
    )
    assert list(dict.fromkeys(found["source"])) == ["official_title", "national_title"]


def test_title_or_query(tiny_code_set: pd.DataFrame, tiny_pairs: pd.DataFrame, nothing: pd.DataFrame) -> None:
    """Corpus rows of the style title are titles, all others queries; the first source of a text stays."""
    pairs = tiny_pairs.assign(style=["title", *tiny_pairs["style"][1:]])
    pairs.loc[1, "query"] = "Type 2 diabetes mellitus without complications"
    found = build_aliases(
        tiny_code_set,
        pairs,
        nothing,
        nothing.rename(columns={"alias": "title"}),
        ("official_title", "title", "query"),
    )
    assert rows(found, "title") == [("diabetes tipo 2", "E11.9", "es")]
    assert len(rows(found, "query")) == 7
    assert found["alias"].tolist().count("Type 2 diabetes mellitus without complications") == 1


def test_inputs_are_not_changed(
    tiny_code_set: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
) -> None:
    """The frames that come in are as they were."""
    frames = [tiny_code_set, tiny_pairs, index_aliases, national_titles]
    before = [frame.copy(deep=True) for frame in frames]
    build_aliases(*frames, SOURCES)
    for frame, copy in zip(frames, before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


def test_no_alias_at_all(
    tiny_code_set: pd.DataFrame, tiny_pairs: pd.DataFrame, nothing: pd.DataFrame
) -> None:
    """Sources that hold nothing are an error that names them and those there are."""
    titles = nothing.rename(columns={"alias": "title"})
    with pytest.raises(
        ConfigurationError, match=r"sources alphabetic_index, national_title hold no .* official_title"
    ):
        build_aliases(tiny_code_set, tiny_pairs, nothing, titles, ("alphabetic_index", "national_title"))


def test_positions() -> None:
    """Each code has its place in the vocabulary, repeats too."""
    found = positions_of(pd.Series(["J45", "E11", "J45"]), pd.Series(["E11", "I10", "J45"]))
    assert found.tolist() == [2, 0, 2]


def test_position_of_an_unknown_code() -> None:
    """A code that the vocabulary lacks is named."""
    with pytest.raises(KeyError, match=r"Not in the vocabulary: Z99\.9"):
        positions_of(pd.Series(["E11", "Z99.9"]), pd.Series(["E11", "I10"]))
