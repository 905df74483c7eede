"""A retriever over a tiny bundle, the app that serves it, and a client of that app."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from bundles import make_bundle, static_encoder_of
from fastapi.testclient import TestClient

from codisearch.retrieval.aliases import SOURCES, build_aliases
from codisearch.retrieval.retriever import Retriever
from codisearch.retrieval.trained import open_cross_encoder
from codisearch.service.app import create_app
from codisearch.service.settings import ServiceSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
TITLES = [
    ("I10", "es", "Hipertensión esencial (primaria)"),
    ("J45.9", "es", "Asma, no especificada"),
    ("R07.9", "fr", "Douleur thoracique, sans précision"),
]
CONFUSABLES = [("R07.9", "R07.0", "site", "Pain in the throat is not chest pain.")]
NO_INDEX = pd.DataFrame(columns=["alias", "code", "language"], dtype="str")

MakeClient = Callable[..., TestClient]


@pytest.fixture(scope="session")
def service_bundle(
    tiny_tokenizer: "PreTrainedTokenizerFast",
    tiny_cross_encoder: Path,
    tiny_code_set: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return the folder of a bundle with random weights and 13 codes."""
    from tokenizers import Tokenizer

    encoder = static_encoder_of(Tokenizer.from_str(tiny_tokenizer._tokenizer.to_str()))
    titles = pd.DataFrame(TITLES, columns=["code", "language", "title"], dtype="str")
    bundle = make_bundle(
        encoder,
        open_cross_encoder(str(tiny_cross_encoder), max_length=32),
        tiny_code_set,
        build_aliases(tiny_code_set, tiny_pairs, NO_INDEX, titles, SOURCES),
        titles=TITLES,
        confusables=CONFUSABLES,
        release="ICD-10-CM 2026-04",
    )
    folder = tmp_path_factory.mktemp("service") / "bundle"
    bundle.save(folder)
    return folder


@pytest.fixture(scope="session")
def retriever(service_bundle: Path) -> Retriever:
    """Return a retriever over the tiny bundle."""
    return Retriever.load(service_bundle)


@pytest.fixture(scope="session")
def make_client(retriever: Retriever) -> Iterator[MakeClient]:
    """Return what makes a client of an app with other settings, ready when it is returned."""
    clients: list[TestClient] = []

    def make(source: Any = retriever, **settings: Any) -> TestClient:
        client = TestClient(create_app(source, ServiceSettings(**settings)), raise_server_exceptions=False)
        clients.append(client)
        client.__enter__()
        wait_for(client.app)
        return client

    yield make
    for client in clients:
        client.__exit__()


def wait_for(app: Any) -> None:
    """Wait until an app has loaded its bundle, or cannot."""
    state = app.state.service
    while state.loaded is None and not state.failure:
        time.sleep(0.01)


@pytest.fixture(scope="session")
def wait_until_ready() -> Callable[[Any], None]:
    """Return what waits until an app has loaded its bundle."""
    return wait_for


@pytest.fixture(scope="session")
def client(make_client: MakeClient) -> TestClient:
    """Return a client of an app with the default settings."""
    return make_client()
