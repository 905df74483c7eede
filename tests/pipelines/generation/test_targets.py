"""Which codes get queries."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codisearch.errors import ConfigurationError
from codisearch.pipelines.generation.params import CodesParams
from codisearch.pipelines.generation.targets import choose_targets

LISTED = pd.DataFrame({"code": ["R07.9", "E11.9", "Z99.9"]}, dtype="str")


def choose(code_set: pd.DataFrame, **params: Any) -> list[str]:
    """Return the chosen codes."""
    return choose_targets(code_set, LISTED, CodesParams(**params))


def test_listed_codes(tiny_code_set: pd.DataFrame):
    """The list's codes that the release has, in code order."""
    assert choose(tiny_code_set) == ["E11.9", "R07.9"]


def test_billable_codes(tiny_code_set: pd.DataFrame):
    """All that can be billed."""
    codes = choose(tiny_code_set, which="billable")
    assert codes == tiny_code_set.loc[tiny_code_set["billable"], "code"].tolist()


def test_under(tiny_code_set: pd.DataFrame):
    """Everything billable at or below a code, listed or not, however it is written."""
    assert choose(tiny_code_set, under=["e112", "I10"]) == ["E11.21", "E11.22", "I10"]


def test_limit_is_evenly_spread(tiny_code_set: pd.DataFrame):
    """Three of eight are the first, one in the middle and the last."""
    codes = choose(tiny_code_set, which="billable", limit=3)
    assert codes[0] == "E10.9"
    assert codes[-1] == "R07.9"
    assert len(codes) == 3


@pytest.mark.parametrize(
    "content", ["e119\nI10\n", "code,why\nE11.9,x\nI10,y\n", "\ufeffname;x,code\na,E119\nb, I10\n"]
)
def test_a_file_of_codes(tiny_code_set: pd.DataFrame, tmp_path: Path, content: str):
    """One code in a line, or a column named code."""
    path = tmp_path / "codes.csv"
    path.write_text(content, encoding="utf-8")
    assert choose(tiny_code_set, file=path) == ["E11.9", "I10"]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"under": ["E99", "xx"]}, r"generation\.codes\.under: not in tiny: xx, E99"),
        ({"file": "nowhere.csv"}, r"nowhere\.csv cannot be read"),
        ({"under": ["E11.9"], "which": "listed", "limit": 1}, None),
    ],
)
def test_what_is_not_there(tiny_code_set: pd.DataFrame, params: dict[str, Any], text: str | None):
    """Unknown codes and files are named."""
    if text is None:
        assert choose(tiny_code_set, **params) == ["E11.9"]
        return
    with pytest.raises(ConfigurationError, match=text):
        choose(tiny_code_set, **params)


def test_many_unknown_codes_are_counted(tiny_code_set: pd.DataFrame, tmp_path: Path):
    """Ten are named, the others counted."""
    path = tmp_path / "codes.txt"
    path.write_text("\n".join(f"Q{number}" for number in range(10, 35)), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="Q19 and 15 more"):
        choose(tiny_code_set, file=path)


def test_nothing_left(tiny_code_set: pd.DataFrame):
    """A choice without codes is an error, not an empty run."""
    nothing = tiny_code_set.assign(billable=False)
    with pytest.raises(ConfigurationError, match="leaves no code"):
        choose(nothing, which="billable")
