"""The catalog's generators and their keys."""

import pytest
from kedro.io import DataCatalog, DatasetError

from codisearch.datasets.generators import GeneratorsDataset

CLASSES = {"gemini": "codisearch.generators.gemini.GeminiGenerator"}


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's key away."""
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)


def test_load():
    """Classes and keys come back as what makes generators."""
    generators = GeneratorsDataset(classes=CLASSES, credentials={"gemini": " secret-1 "}).load()
    assert generators.classes == CLASSES
    key = generators.key_of("gemini")
    assert key is not None
    assert key.get_secret_value() == "secret-1"


@pytest.mark.parametrize("credentials", [None, {}, {"gemini": None}, {"gemini": " "}])
def test_without_keys(credentials: dict[str, str] | None):
    """No key is no error until a generator needs it."""
    assert GeneratorsDataset(classes=CLASSES, credentials=credentials).load().key_of("gemini") is None


def test_the_key_appears_in_no_description():
    """Neither the dataset nor a catalog that holds it shows the key."""
    config = {
        "generators": {
            "type": "codisearch.datasets.generators.GeneratorsDataset",
            "classes": CLASSES,
            "credentials": "generators",
        }
    }
    catalog = DataCatalog.from_config(config, {"generators": {"gemini": "secret-1"}})
    dataset = catalog["generators"]
    assert dataset.load().key_of("gemini") is not None
    assert "secret-1" not in str(dataset) + repr(dataset) + str(vars(dataset)["_keys"]) + str(catalog)


def test_save_is_refused():
    """Generators are configured, not saved."""
    with pytest.raises(DatasetError, match="not saved"):
        GeneratorsDataset(classes=CLASSES).save("x")  # type: ignore[arg-type]
