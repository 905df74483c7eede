"""The catalog's generators and their keys."""

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, DatasetError

from codisearch.datasets.generators import GeneratorsDataset

CLASSES = {"gemini": "codisearch.generators.gemini.GeminiGenerator"}


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's key away."""
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)


def make(folder: Path, text: str | None = None, **options: Any) -> GeneratorsDataset:
    """Return the dataset with a credentials file, or without one."""
    path = folder / "credentials.yml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    return GeneratorsDataset(classes=CLASSES, filepath=str(path), **options)


def key_of(dataset: GeneratorsDataset) -> str | None:
    """Return the key that is loaded."""
    key = dataset.load().key_of("gemini")
    return key.get_secret_value() if key else None


def test_a_key_from_the_file(tmp_path: Path):
    """Classes and the file's keys come back as what makes generators."""
    dataset = make(tmp_path, "generators: {gemini: ' from-file '}\ndatabase: {password: x}\n")
    assert dataset.load().classes == CLASSES
    assert key_of(dataset) == "from-file"


def test_what_goes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Kedro's credentials go before the file, the environment before both."""
    dataset = make(tmp_path, "generators: {gemini: from-file}", credentials={"gemini": "from-kedro"})
    assert key_of(dataset) == "from-kedro"
    monkeypatch.setenv("GEMINI_API_KEY", "from-env")
    assert key_of(dataset) == "from-env"


@pytest.mark.parametrize(
    "text", [None, "", "generators:", "generators: {gemini: }", "generators: {gemini: ' '}", "a: 1"]
)
def test_without_keys(tmp_path: Path, text: str | None):
    """No file and no key are no error until a generator needs one."""
    assert key_of(make(tmp_path, text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "generators: {gemini: secret-1",
        "secret-1",
        "generators: [secret-1]",
        "- secret-1",
        "generators: {gemini: {api_key: secret-1}}",
        "generators: {gemini: 12}",
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str):
    """The message says what is expected, and does not repeat what may be a key."""
    with pytest.raises(DatasetError, match=r"credentials\.yml cannot be read: expected YAML like") as caught:
        make(tmp_path, text).load()
    assert "secret-1" not in str(caught.value)


def test_the_key_appears_in_no_description(tmp_path: Path):
    """Neither the dataset nor a catalog that holds it shows the key."""
    config = {
        "generators": {
            "type": "codisearch.datasets.generators.GeneratorsDataset",
            "filepath": str(tmp_path / "credentials.yml"),
            "classes": CLASSES,
            "credentials": "generators",
        }
    }
    catalog = DataCatalog.from_config(config, {"generators": {"gemini": "secret-1"}})
    dataset = catalog["generators"]
    assert dataset.load().key_of("gemini") is not None
    assert "secret-1" not in str(dataset) + repr(dataset) + str(vars(dataset)["_credentials"]) + str(catalog)


def test_save_is_refused(tmp_path: Path):
    """Generators are configured, not saved."""
    with pytest.raises(DatasetError, match="not saved"):
        make(tmp_path).save("x")  # type: ignore[arg-type]
