"""The schemas of tables: good ones pass, each bad cell is named with its column."""

import pandas as pd
import pandera.pandas as pa
import pytest

from codisearch import schemas


def test_code_set(tiny_code_set: pd.DataFrame) -> None:
    """The tiny code set passes; a code that stands twice does not."""
    schemas.CODE_SET.validate(tiny_code_set)
    with pytest.raises(pa.errors.SchemaError, match="'code'"):
        schemas.CODE_SET.validate(pd.concat([tiny_code_set, tiny_code_set.head(1)]))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("query", ""),
        ("code", "e11.9"),
        ("language", "de"),
        ("style", "formel"),
        ("split", "dev"),
        ("source", ""),
    ],
)
def test_pairs(tiny_pairs: pd.DataFrame, column: str, value: str) -> None:
    """The tiny pairs pass; one cell outside its vocabulary or form fails by its column."""
    schemas.PAIRS.validate(tiny_pairs)
    broken = tiny_pairs.copy()
    broken.loc[3, column] = value
    with pytest.raises(pa.errors.SchemaError, match=f"'{column}'") as caught:
        schemas.PAIRS.validate(broken)
    assert caught.value.failure_cases["failure_case"].tolist() == [value]


def test_pair_ids_are_unique(tiny_pairs: pd.DataFrame) -> None:
    """A pair id that stands twice fails."""
    with pytest.raises(pa.errors.SchemaError, match="'pair_id'"):
        schemas.PAIRS.validate(tiny_pairs.assign(pair_id="p0"))


def test_columns_are_closed(tiny_pairs: pd.DataFrame) -> None:
    """A column too many and a column too few both fail."""
    with pytest.raises((pa.errors.SchemaError, pa.errors.SchemaErrors), match="extra"):
        schemas.PAIRS.validate(tiny_pairs.assign(extra=1))
    with pytest.raises((pa.errors.SchemaError, pa.errors.SchemaErrors), match="seen"):
        schemas.PAIRS.validate(tiny_pairs.drop(columns="seen"))


def test_raw_pairs_take_any_code(tiny_pairs: pd.DataFrame) -> None:
    """Whether a code has the right form is judged after the raw pairs, not in them."""
    raw = tiny_pairs[list(schemas.RAW_PAIRS.columns)].assign(code="no code")
    schemas.RAW_PAIRS.validate(raw)
    with pytest.raises(pa.errors.SchemaError, match="'code'"):
        schemas.VALID_PAIRS.validate(raw)


@pytest.mark.parametrize(
    ("schema", "row", "column", "value"),
    [
        (schemas.TITLES, {"code": "I10", "title": "Hipertensión", "language": "es"}, "title", ""),
        (
            schemas.ALIASES,
            {"alias": "HTA", "code": "I10", "language": "es", "source": "corpus"},
            "code",
            "I.10",
        ),
        (
            schemas.RANKINGS,
            {"system": "bm25", "query_id": "q1", "rank": 1, "code": "I10", "score": 0.5},
            "rank",
            0,
        ),
        (
            schemas.QUERIES,
            {
                "query_id": "q1",
                "query": "HTA",
                "language": "es",
                "style": "",
                "seen": True,
                "codes": ["I10"],
            },
            "language",
            "xx",
        ),
    ],
)
def test_other_tables(schema: pa.DataFrameSchema, row: dict[str, object], column: str, value: object) -> None:
    """One good row passes, and the same row with one bad cell fails by that column."""
    schema.validate(pd.DataFrame([row]))
    with pytest.raises(pa.errors.SchemaError, match=f"'{column}'"):
        schema.validate(pd.DataFrame([{**row, column: value}]))
