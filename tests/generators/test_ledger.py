"""The ledger: append-only, one writer, nothing lost when the writer is killed."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from requests_to_send import make_request, say

from codisearch.errors import LedgerError, StorageError
from codisearch.generators.contract import RequestFault, TransientFault
from codisearch.generators.ledger import Ledger, Means, OpenJob


def test_nothing_is_there_before_the_first_request(ledger: Ledger):
    """A ledger that is not there has no answers, and reading it makes no file."""
    assert ledger.settled_keys() == set()
    assert list(ledger.answers(["a", "b"])) == [None, None]
    assert ledger.totals().spent.requests == 0
    assert ledger.open_jobs() == []
    assert not ledger.path.exists()


def test_an_answer_comes_back_as_it_was(ledger: Ledger):
    """Text, tokens and what the asker kept are there; another request has no answer."""
    request, other = make_request(1), make_request(2)
    with ledger.writing() as writer:
        writer.sent([request, other])
        assert writer.answered(request.key, "queries", say('{"é": 1}', thinking=7), 0.25)
    found, missing = ledger.answers([request.key, other.key])
    assert missing is None
    assert found is not None
    assert found.answer == say('{"é": 1}', thinking=7)
    assert found.meta == {"code": "A01"}
    assert len(found.day) == 10
    assert ledger.settled_keys() == {request.key}
    totals = ledger.totals()
    assert (totals.spent.requests, totals.spent.answers, totals.unanswered) == (2, 1, 1)
    assert (totals.spent.input_tokens, totals.spent.output_tokens, totals.spent.money) == (100, 17, 0.25)
    assert ledger.totals("audit").spent.requests == 0


def test_all_that_was_sent_can_be_read_back(ledger: Ledger):
    """The question stands in the request, the instructions once for all that share them."""
    with ledger.writing() as writer:
        writer.sent([make_request(1), make_request(2)])
    connection = sqlite3.connect(ledger.path)
    texts = {row[0] for row in connection.execute("SELECT text FROM texts")}
    assert texts == {"Write queries.", '{"type":"object"}'}
    bodies = [
        row[0] for row in connection.execute("SELECT body FROM events WHERE kind = 'request' ORDER BY id")
    ]
    assert ["Code: A01" in body for body in bodies] == [True, False]


def test_the_first_answer_stays(ledger: Ledger):
    """A second answer to a request is paid for, counted, and not used."""
    request = make_request()
    with ledger.writing() as writer:
        writer.sent([request])
        assert writer.answered(request.key, "queries", say("first"), 1.0)
        assert not writer.answered(request.key, "queries", say("second"), 2.0)
    (found,) = ledger.answers([request.key])
    assert found is not None
    assert found.answer.text == "first"
    assert ledger.totals().spent.money == 3.0
    assert ledger.totals().spent.answers == 1


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM events", "UPDATE events SET money = 0", "DELETE FROM texts", "UPDATE texts SET text = ''"],
)
def test_nothing_can_be_changed(ledger: Ledger, statement: str):
    """SQLite itself refuses changes, whoever opens the file."""
    request = make_request()
    with ledger.writing() as writer:
        writer.sent([request])
    connection = sqlite3.connect(ledger.path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)


def test_two_writers_are_refused(ledger: Ledger):
    """The second run is told why; once the first has ended it may write."""
    with (
        ledger.writing(),
        pytest.raises(LedgerError, match=r"Another run is writing to .*ledger\.sqlite"),
        Ledger(ledger.path).writing(),
    ):
        pass
    with Ledger(ledger.path).writing() as writer:
        writer.sent([make_request()])
    assert ledger.totals().spent.requests == 1


def test_it_can_be_read_while_a_run_is_writing(ledger: Ledger):
    """A plan or a look at the figures does not wait for the run."""
    with ledger.writing() as writer:
        writer.sent([make_request()])
        assert Ledger(ledger.path).totals().spent.requests == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from codisearch.generators.ledger import Ledger
from requests_to_send import make_request, say
with Ledger(Path(sys.argv[1])).writing() as writer:
    for number in range(40):
        request = make_request(number)
        writer.sent([request])
        writer.answered(request.key, "queries", say(str(number)), 0.5)
        if number == 30:
            writer.sent([make_request(99)])
            os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_loses_nothing(ledger: Ledger):
    """After kill -9 every answer that was written is there, the lock is free, and what was sent is known."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "support")}
    command = [sys.executable, "-c", KILLED, str(ledger.path)]
    ended = subprocess.run(command, env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    keys = [make_request(number).key for number in range(31)]
    texts = [found.answer.text if found else None for found in ledger.answers(keys)]
    assert texts == [str(number) for number in range(31)]
    assert ledger.totals().unanswered == 1
    with ledger.writing() as writer:
        writer.sent([make_request(99)])


def test_faults_are_kept_with_their_reason(ledger: Ledger):
    """The last fault of a request can be told, and settles nothing."""
    first, second = make_request(1), make_request(2)
    with ledger.writing() as writer:
        writer.sent([first, second])
        writer.fault(first.key, "queries", TransientFault("rate_limited", "slow down", 2.0))
        writer.fault(first.key, "queries", TransientFault("timeout", "nothing came"))
        writer.fault(second.key, "queries", RequestFault("bad_request", "no"))
    assert ledger.last_faults() == {
        first.key: ("timeout", "nothing came"),
        second.key: ("bad_request", "no"),
    }
    assert ledger.settled_keys() == set()
    assert ledger.totals().faults == {"rate_limited": 1, "timeout": 1, "bad_request": 1}
    assert ledger.totals().unanswered == 2


def test_means_are_of_one_task_under_one_setting(ledger: Ledger):
    """Answers under other settings are not in the mean."""
    requests = [make_request(1), make_request(2), make_request(3, settings="other")]
    with ledger.writing() as writer:
        writer.sent(requests)
        writer.answered(requests[0].key, "queries", say(input=100, output=20), 0.0)
        writer.answered(requests[1].key, "queries", say(input=300, output=40), 0.0)
        writer.answered(requests[2].key, "queries", say(input=9_000, output=9_000), 0.0)
    assert ledger.means("queries", "s") == Means(2, 200.0, 30.0, 0.5)
    assert ledger.means("queries", "nobody") == Means(0, 0.0, 0.0, 0.0)


def test_jobs_are_open_until_they_end(ledger: Ledger):
    """A job is prepared, then named by the service, then ended with its results in one go."""
    requests = [make_request(1), make_request(2)]
    keys = tuple(request.key for request in requests)
    with ledger.writing() as writer:
        writer.job_prepared("label", "queries", keys, "s")
        assert ledger.open_jobs() == [OpenJob("label", "", "queries", keys, "s")]
        writer.sent(requests, job="label")
        writer.job_submitted("label", "queries", "batches/1")
        assert ledger.open_jobs() == [OpenJob("label", "batches/1", "queries", keys, "s")]
        results = [(keys[0], say("a"), 0.1), (keys[1], RequestFault("bad_request", "no"), 0.0)]
        writer.job_ended("label", "queries", "JOB_STATE_SUCCEEDED", results)
    assert ledger.open_jobs() == []
    assert ledger.settled_keys() == {keys[0]}


def test_results_of_a_job_are_written_together_or_not_at_all(ledger: Ledger):
    """A failure in the middle leaves the job open, and none of its answers."""
    request = make_request()

    def broken():
        yield request.key, say("a"), 0.1
        raise ValueError("cut off")

    with ledger.writing() as writer:
        writer.job_prepared("label", "queries", [request.key], "s")
        with pytest.raises(ValueError, match="cut off"):
            writer.job_ended("label", "queries", "done", broken())
        assert ledger.settled_keys() == set()
        assert len(ledger.open_jobs()) == 1
        writer.sent([request])  # and it can still be written to


def test_something_else_is_refused(tmp_path: Path):
    """A file that is no ledger is named, and left as it is."""
    path = tmp_path / "ledger.sqlite"
    path.write_text("these are not the answers", encoding="utf-8")
    with pytest.raises(LedgerError, match=r"is not a ledger"), Ledger(path).writing():
        pass
    assert path.read_text(encoding="utf-8") == "these are not the answers"


def test_another_format_is_refused(ledger: Ledger):
    """A ledger of a later release is not written to."""
    with ledger.writing() as writer:
        writer.sent([make_request()])
    connection = sqlite3.connect(ledger.path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(LedgerError, match="of format 1: it says 7"):
        ledger.totals()


def test_a_ledger_that_is_just_begun(ledger: Ledger):
    """Between the file and its tables a reader sees an empty ledger, and does not make it."""
    ledger.path.parent.mkdir()
    sqlite3.connect(ledger.path).close()
    ledger.path.touch()
    assert ledger.totals().spent.requests == 0
    assert list(ledger.answers(["a"])) == [None]
    with ledger.writing() as writer:
        writer.sent([make_request()])
    assert ledger.totals().spent.requests == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    """A file in the place of the folder is a storage error that names the path."""
    (tmp_path / "data").write_text("", encoding="utf-8")
    ledger = Ledger(tmp_path / "data" / "ledger.sqlite")
    with pytest.raises((StorageError, OSError), match="data"), ledger.writing():
        pass


def test_a_full_disk(ledger: Ledger):
    """What fits is kept; what does not is a storage error, and the ledger stays whole."""
    with ledger.writing() as writer:
        writer.sent([make_request(1)])
        writer.answered(make_request(1).key, "queries", say(), 0.1)
        pages = writer._connection.execute("PRAGMA page_count").fetchone()[0]
        writer._connection.execute(f"PRAGMA max_page_count = {pages}")
        requests = [make_request(number, user="x" * 5_000) for number in range(2, 500)]
        with pytest.raises(StorageError, match="No space left to write"):
            writer.sent(requests)
    assert ledger.settled_keys() == {make_request(1).key}
    assert ledger.totals().spent.requests == 1
