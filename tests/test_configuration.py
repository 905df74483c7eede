"""The project's configuration, for commands."""

from pathlib import Path

import pytest
from project_copy import ROOT
from pydantic import BaseModel

from codisearch.configuration import dataset_path, load_code_set_of, parameters_of
from codisearch.errors import ConfigurationError


class Group(BaseModel):
    """A group of parameters."""

    size: int
    inner: dict[str, int] = {}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """Return a configuration with two environments."""
    files = {
        "base/parameters.yml": "group: {size: 1, inner: {a: 1, b: 2}}\n",
        "base/globals.yml": "output: data\n",
        "base/catalog.yml": "table:\n  type: pandas.CSVDataset\n  filepath: ${globals:output}/table.csv\n",
        "paper/parameters.yml": "group: {inner: {b: 3}}\n",
        "paper/globals.yml": "output: data/paper\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "local").mkdir()
    return tmp_path


def test_an_environment_lies_over_base(conf: Path) -> None:
    """Dictionaries are merged, and changes of the caller lie over both."""
    assert parameters_of(conf, "group", Group) == Group(size=1, inner={"a": 1, "b": 2})
    assert parameters_of(conf, "group", Group, "paper") == Group(size=1, inner={"a": 1, "b": 3})
    changed = parameters_of(conf, "group", Group, "paper", {"size": 5, "inner": {"c": 4}})
    assert changed == Group(size=5, inner={"a": 1, "b": 3, "c": 4})


def test_where_a_dataset_is(conf: Path) -> None:
    """Its path is that of the environment."""
    assert dataset_path(conf, "table") == Path("data/table.csv")
    assert dataset_path(conf, "table", "paper") == Path("data/paper/table.csv")


def test_what_is_not_there_or_does_not_fit(conf: Path) -> None:
    """The message names the folder and what to do."""
    for attempt in (
        lambda: parameters_of(conf / "nowhere", "group", Group),
        lambda: dataset_path(conf, "other"),
    ):
        with pytest.raises(ConfigurationError, match="run it in the project's folder or give --conf"):
            attempt()


def test_values_that_do_not_fit(conf: Path) -> None:
    """Each is named with what is wrong with it."""
    with pytest.raises(
        ConfigurationError, match=r"parameters 'group' in .* do not fit: size: Input should be"
    ):
        parameters_of(conf, "group", Group, changes={"size": "big"})
    with pytest.raises(ConfigurationError, match=r"'other' in .* do not fit: size: Field required"):
        parameters_of(conf, "other", Group)


def test_code_set_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole code set of the configured release is asked for, whatever a sample says."""
    asked = []
    monkeypatch.setattr(
        "codisearch.pipelines.code_set.nodes.load_code_set", lambda params: asked.append(params) or "codes"
    )
    assert load_code_set_of(ROOT / "conf") == "codes"
    assert asked[0].sample is None
