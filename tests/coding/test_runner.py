"""Coding whole files: formats, resuming after any end, and coding again after a review."""

import csv
import io
import json
import multiprocessing
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from coding_retriever import CODES, FakeRetriever
from coding_rows import params_of, read_csv, run, run_slowly

from codisearch.coding.params import CodingParams
from codisearch.coding.progress import Progress
from codisearch.coding.runner import code_stream, inspect_input
from codisearch.errors import InputError

Write = Callable[..., Path]
ASTHMA = "Other and unspecified asthma"


def phrases(count: int) -> list[str]:
    """Return the lines of a CSV file whose rows are of all kinds."""
    chance = random.Random(0)
    titles = [f'"{title}"' for _, title, _ in CODES.values()]
    texts = ["", '"a ""quoted"", phrase"', '"on two\nlines"', *titles]
    return ["id,query", *(f"{number},{chance.choice(texts)}" for number in range(1, count + 1))]


@pytest.mark.parametrize("output_format", ["csv", "jsonl", "usagi", "sssom", "fhir"])
def test_formats(write: Write, tmp_path: Path, output_format: str) -> None:
    """Whatever the size of the batches, the file is the same."""
    path, texts = write(phrases(23)), set()
    for batch in (1, 7, 256):
        output = tmp_path / f"out.{batch}"
        params = params_of(path, output, search={"batch": batch}, write={"format": output_format})
        outcome = run(params)
        assert sum(outcome.counts.values()) == 23
        # What is written is named after the options, of which the size of the batches is one.
        texts.add(output.read_text(encoding="utf-8").split("urn:uuid:")[-1][36:])
    assert len(texts) == 1


def test_csv(write: Write, tmp_path: Path) -> None:
    """Every row of the input is there with its columns."""
    path = write(["Ward;Diagnóstico", f"3;{ASTHMA}", "4;", "5;zzz"], encoding="utf-8-sig")
    outcome = run(params_of(path, tmp_path / "out.csv"))
    rows = read_csv(tmp_path / "out.csv", ";")
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert [(row["Ward"], row["Diagnóstico"], row["status"]) for row in rows] == [
        ("3", ASTHMA, "coded"),
        ("4", "", "invalid"),
        ("5", "zzz", "unknown"),
    ]
    assert outcome.counts == {"coded": 1, "invalid": 1, "unknown": 1}
    assert (outcome.resumed, outcome.flagged) == (0, 0)


def test_tabs_stay_in_tsv(write: Write, tmp_path: Path) -> None:
    """A CSV file made of a TSV file has commas, unless the output is TSV too."""
    path = write(["id\tquery", f"1\t{ASTHMA}"], "in.tsv")
    run(params_of(path, tmp_path / "a.csv", {"format": "tsv"}))
    run(params_of(path, tmp_path / "b.tsv", {"format": "tsv"}, write={"separator": "\t"}))
    assert (tmp_path / "a.csv").read_text().startswith("id,query,code,")
    assert (tmp_path / "b.tsv").read_text().startswith("id\tquery\tcode\t")


def test_workbook_to_json(tmp_path: Path) -> None:
    """Rows of a sheet become objects."""
    book = openpyxl.Workbook()
    book.active.append(["id", "query"])
    book.active.append([7, ASTHMA])
    book.save(tmp_path / "in.xlsx")
    params = params_of(
        tmp_path / "in.xlsx", tmp_path / "out.jsonl", {"format": "xlsx"}, write={"format": "jsonl"}
    )
    run(params)
    content = json.loads((tmp_path / "out.jsonl").read_text())
    assert (content["id"], content["code"]) == ("7", "J45.9")


def test_no_rows(write: Write, tmp_path: Path) -> None:
    """A file with a header alone becomes one."""
    assert run(params_of(write(["query"]), tmp_path / "out.csv")).counts == {}
    assert (tmp_path / "out.csv").read_text().startswith("query,code,")
    assert read_csv(tmp_path / "out.csv") == []


def test_mistakes_are_found_before_anything_is_coded(write: Write, tmp_path: Path) -> None:
    """Also those at the end of the file."""
    retriever = FakeRetriever()
    path = write(["query,code,review", *["asma,,"] * 300, "asma,,maybe"])
    with pytest.raises(InputError, match=r"in\.csv, line 302: the review must be approved.*came 'maybe'"):
        run(params_of(path, tmp_path / "out.csv", search={"batch": 10}), retriever)
    path = write(['{"query": "a"}', '{"query": "b", "x": 1}'], "in.jsonl")
    with pytest.raises(InputError, match="line 2: x is not in the first row"):
        run(params_of(path, tmp_path / "out.csv", {"format": "jsonl"}), retriever)
    assert retriever.searched == []
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "in.jsonl"}


def test_column_that_is_not_clear(write: Write) -> None:
    """The message names the file."""
    with pytest.raises(InputError, match=r"in\.csv: text and diagnosis may hold the phrases"):
        inspect_input(params_of(write(["text,diagnosis", "a,b"]), Path("out.csv")))


def test_option_that_is_not_allowed_leaves_nothing(write: Write, tmp_path: Path) -> None:
    """The next try may have other options."""
    path = write(["query", ASTHMA])
    with pytest.raises(InputError, match="Unknown chapter"):
        run(params_of(path, tmp_path / "out.csv", search={"chapter": "99"}))
    assert run(params_of(path, tmp_path / "out.csv")).counts == {"coded": 1}


class Interrupted(Exception):  # noqa: N818
    """Stands for whatever ends a run."""


class Interrupting(FakeRetriever):
    """Ends a run at its nth search."""

    def __init__(self, searches: int) -> None:
        super().__init__()
        self.left = searches

    def search_many(self, *values: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Interrupted
        return super().search_many(*values, **options)


@pytest.mark.parametrize("output_format", ["csv", "jsonl", "usagi", "sssom", "fhir"])
def test_resume_at_random_places(write: Write, tmp_path: Path, output_format: str) -> None:
    """However often a run is interrupted, nothing is lost or doubled and the bytes are the same."""
    chance = random.Random(output_format)
    path = write(phrases(60))
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    options: dict[str, Any] = {"search": {"batch": 5}, "write": {"format": output_format}}
    run(params_of(path, whole, **options))
    resumed: list[int] = []
    while not cut.exists():
        try:
            resumed.append(run(params_of(path, cut, **options), Interrupting(chance.randint(1, 3))).resumed)
        except Interrupted:
            with cut.with_name("cut.part").open("a") as file:
                file.write('"half a li' * chance.randint(0, 3))
    assert cut.read_bytes() == whole.read_bytes()
    assert resumed[-1] > 0
    assert not cut.with_name("cut.part").exists()


def test_resume_with_another_input(write: Write, tmp_path: Path) -> None:
    """What was done is of no use then, and is only dropped if the user says so."""
    params = params_of(write(phrases(20)), tmp_path / "out.csv", search={"batch": 5})
    with pytest.raises(Interrupted):
        run(params, Interrupting(2))
    write(phrases(19))
    with pytest.raises(InputError, match="begun with another input, 10 rows are done"):
        run(params)
    with pytest.raises(InputError, match="another input and another options"):
        run(params_of(params.read.path, params.write.path, search={"batch": 6}))
    assert run(params, restart=True).counts.keys() == {"coded", "invalid", "unknown"}
    assert len(read_csv(tmp_path / "out.csv")) == 19


def test_resume_with_another_bundle(write: Write, tmp_path: Path) -> None:
    """A file must not hold codes of two."""
    params = params_of(write(phrases(20)), tmp_path / "out.csv", search={"batch": 5})
    with pytest.raises(Interrupted):
        run(params, Interrupting(2))
    with pytest.raises(InputError, match="begun with another bundle"):
        run(params, FakeRetriever(release="2027"))


def test_kill(write: Write, tmp_path: Path) -> None:
    """The same after SIGKILL at any moment, which no code can prepare for."""
    path, whole, cut = write(phrases(300)), tmp_path / "whole.csv", tmp_path / "cut.csv"
    run(params_of(path, whole, search={"batch": 5}))
    context = multiprocessing.get_context("forkserver")  # starts fast and shares no thread with this process
    context.set_forkserver_preload(["coding_rows", "codisearch.retrieval.queries"])
    chance, killed = random.Random(1), 0
    journal = cut.with_name("cut.csv.part.json")
    while not cut.exists():
        before = journal.read_bytes() if journal.exists() else b""
        process = context.Process(target=run_slowly, args=(path, cut))
        process.start()
        while process.is_alive() and (not journal.exists() or journal.read_bytes() == before):
            time.sleep(0.002)
        if killed < 4:
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
        process.join(timeout=60)
        assert process.exitcode in {0, -signal.SIGKILL}
        killed += process.exitcode == -signal.SIGKILL
    assert killed >= 2
    assert cut.read_bytes() == whole.read_bytes()


def review(path: Path, decisions: dict[str, dict[str, str]]) -> None:
    """Fill in a coded file as a person does: columns by phrase."""
    rows = read_csv(path)
    for row in rows:
        row.update(decisions.get(row["query"], {}))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_coding_again_after_a_review(write: Write, tmp_path: Path) -> None:
    """With a newer code set: approved codes stay and are checked, rejected ones do not come back."""
    lines = ["id,query", f"1,{ASTHMA}", "2,Chest pain", "3,hypertension", "4,nephropathy", "5,diabetes"]
    first, second, third = (tmp_path / name for name in ("1.csv", "2.csv", "3.csv"))
    run(params_of(write(lines), first, search={"top": 2}))
    codes = {row["query"]: row["code"] for row in read_csv(first)}
    assert codes["nephropathy"] == "E11.21"
    review(
        first,
        {
            ASTHMA: {"review": "Approved"},
            "Chest pain": {"review": "approved"},
            "hypertension": {"review": "approved"},
            "nephropathy": {"review": "rejected"},
        },
    )
    newer = dict(CODES)
    del newer["J45.9"]
    newer["J45.99"] = ("", "Other asthma", True)
    newer["R07.9"] = ("", "Chest pain, not specified", True)
    retriever = FakeRetriever(newer, "2027")
    outcome = run(params_of(first, second, search={"top": 2}), retriever)
    rows = {row["id"]: row for row in read_csv(second)}
    assert list(rows["1"]) == list(read_csv(first)[0])
    assert [rows[str(number)]["status"] for number in range(1, 4)] == ["retired", "changed", "kept"]
    assert (rows["1"]["code"], rows["1"]["note"]) == ("J45.9", "not in 2027; near: J45.99 Other asthma")
    assert rows["2"]["note"] == "approved as: Chest pain, unspecified; now: Chest pain, not specified"
    assert (rows["3"]["code"], rows["3"]["review"], rows["3"]["release"]) == ("I10", "approved", "2027")
    assert (rows["4"]["review"], rows["4"]["note"]) == ("", "rejected: E11.21")
    assert rows["4"]["code"] != "E11.21"
    assert rows["5"]["code"] == codes["diabetes"]
    assert outcome.flagged == 2

    review(second, {"nephropathy": {"review": "rejected"}})
    run(params_of(second, third, search={"top": 2}), retriever)
    (row,) = [row for row in read_csv(third) if row["id"] == "4"]
    assert row["note"] == f"rejected: E11.21, {rows['4']['code']}"
    assert row["code"] not in {"E11.21", rows["4"]["code"]}


def test_params_of_another_kind() -> None:
    """Unknown options are refused."""
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        CodingParams.model_validate({"read": {"path": "a", "format": "csv", "x": 1}, "write": {"path": "b"}})


def test_review_of_a_code_of_ones_own(write: Write, tmp_path: Path) -> None:
    """The code that was suggested stays beside it, from coding to coding."""
    first, second, third = (tmp_path / name for name in ("1.csv", "2.csv", "3.csv"))
    run(params_of(write(["query", ASTHMA]), first))
    (row,) = read_csv(first)
    assert (row["code"], row["suggested"], row["probability"]) == ("J45.9", "J45.9", "1.0")
    review(first, {ASTHMA: {"code": "R07.9", "review": "approved"}})
    for source, output in ((first, second), (second, third)):
        run(params_of(source, output))
        (row,) = read_csv(output)
        assert (row["code"], row["title"], row["suggested"]) == ("R07.9", "Chest pain, unspecified", "J45.9")
        assert (row["status"], row["probability"], row["known"], row["alias"]) == ("kept", "", "", "")


def test_empty_rows_are_counted_apart(write: Write, tmp_path: Path) -> None:
    """They are in the output."""
    path = write(["id;query", f"1;{ASTHMA}", ";", "2;"])
    assert run(params_of(path, tmp_path / "out.csv")).counts == {"coded": 1, "empty": 1, "invalid": 1}
    assert [row["status"] for row in read_csv(tmp_path / "out.csv", ";")] == ["coded", "empty", "invalid"]
    outputs = {one: tmp_path / f"out.{one}" for one in ("fhir", "sssom")}
    for output_format, output in outputs.items():
        run(params_of(path, output, write={"format": output_format}))
    (group,) = json.loads(outputs["fhir"].read_text())["group"]
    assert group["element"][1]["target"] == [
        {"equivalence": "unmatched", "comment": "line 3: the row is empty."}
    ]
    assert outputs["sssom"].read_text().count("\nphrase:") == 1


def test_interrupted_stream(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command can only begin anew, and the message says nothing else."""
    params = params_of(Path("-"), tmp_path / "out.csv", search={"batch": 5})
    text = write(phrases(20)).read_bytes()

    def code(retriever: FakeRetriever, *, restart: bool = False) -> Any:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
        return code_stream(params, retriever, Progress(quiet=True), restart=restart)  # type: ignore[arg-type]

    with pytest.raises(Interrupted):
        code(Interrupting(2))
    with pytest.raises(InputError, match="begun from standard input, 10 rows are done; such a run cannot"):
        code(FakeRetriever())
    assert sum(code(FakeRetriever(), restart=True).counts.values()) == 20


def test_keys_of_all_rows_are_in_json_lines(write: Write, tmp_path: Path) -> None:
    """Also the empty one, and one that is called like what the coding adds."""
    lines = [
        '{"query": "asma", "input_status": 1}',
        '{"query": "tos", "": 2, "status": 3, "input_status": 4}',
    ]
    output = tmp_path / "out.jsonl"
    run(params_of(write(lines, "in.jsonl"), output, {"format": "jsonl"}, write={"format": "jsonl"}))
    second = json.loads(output.read_text().splitlines()[1])
    assert (second[""], second["input_input_status"], second["input_status"]) == (2, 3, 4)
    assert second["status"] == "unknown"
