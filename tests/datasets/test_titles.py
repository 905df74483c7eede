"""Tests of national titles, through the dataset factory of the catalog."""

from pathlib import Path

import pytest
import yaml
from kedro.io import DataCatalog, DatasetError

from codisearch.datasets.titles import TitlesDataset
from codisearch.errors import InputError
from codisearch.schemas import TITLES

CATALOG = Path(__file__).parents[2] / "conf" / "base" / "catalog" / "code_set.yml"


def titles(tmp_path: Path, content: bytes | None) -> TitlesDataset:
    """Return the dataset of a Spanish file with this content, or of an absent one."""
    if content is not None:
        (tmp_path / "es.csv").write_bytes(content)
    return TitlesDataset(filepath=str(tmp_path / "es.csv"), language="es")


def test_file_is_read_with_its_language(tmp_path: Path):
    """A byte order mark, further columns and empty lines do no harm."""
    content = '\ufeffcode,title,note\nA00,"Cólera, todo",x\n\nA01,,y\n'.encode()
    table = titles(tmp_path, content).load()
    assert table.to_dict("records") == [
        {"code": "A00", "title": "Cólera, todo", "language": "es"},
        {"code": "A01", "title": "", "language": "es"},
    ]


def test_absent_file_is_an_empty_table(tmp_path: Path):
    """No file means no rows, with the columns and types of the schema."""
    dataset = titles(tmp_path, None)
    assert not dataset.exists()
    assert len(TITLES.validate(dataset.load())) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"code;title\nA00;x\n",
            r"es\.csv: expected a header with the columns code,title.*found 'code;title'",
        ),
        (b"", r"es\.csv: expected a header .*found ''"),
        ("code,title\nA00,Cólera\n".encode("cp1252"), r"es\.csv is not UTF-8.*Expected columns: code,title"),
        (b"code,title\nA00,x,y\n", r"es\.csv, line 2: expected 2 fields \(code,title\), found 3"),
        (b'code,title\nA00,"x" y\n', r"es\.csv is not CSV"),
    ],
)
def test_malformed_file(tmp_path: Path, content: bytes, message: str):
    """The message names the file, what is expected and what was found."""
    with pytest.raises(InputError, match=message):
        titles(tmp_path, content).load()


def test_dataset_is_read_only(tmp_path: Path):
    """A run cannot overwrite a site's titles."""
    with pytest.raises(DatasetError, match="read-only"):
        titles(tmp_path, None).save("x")  # type: ignore[arg-type]


def test_factory_of_the_catalog_makes_the_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The pattern in the catalog stands for every language and for no other table."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "01_raw" / "titles").mkdir(parents=True)
    (tmp_path / "data" / "01_raw" / "titles" / "ca.csv").write_text(
        "code,title\nA00,Còlera\n", encoding="utf-8"
    )
    catalog = DataCatalog.from_config(yaml.safe_load(CATALOG.read_text(encoding="utf-8")))
    assert catalog.load("ca_titles").to_dict("records") == [
        {"code": "A00", "title": "Còlera", "language": "ca"}
    ]
    assert catalog.load("fr_titles").empty
    assert type(catalog.get("national_titles")).__name__ == "ParquetDataset"
    with pytest.raises(DatasetError, match="Unknown language 'xx'"):
        catalog.load("xx_titles")
