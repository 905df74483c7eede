"""Batch jobs, over the wire: handed in, watched, collected, and taken up again after a restart."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr
from requests_to_send import PRICES, make_requests
from service import KEY, Service

from codisearch.errors import GeneratorError
from codisearch.generators.batch import BatchRun
from codisearch.generators.contract import Answer, Request
from codisearch.generators.gemini import GeminiGenerator
from codisearch.generators.ledger import Ledger
from codisearch.generators.meter import Expected, Meter
from codisearch.generators.settings import BatchSettings, Budget, ModelSettings, Pace

PACE = Pace(tries=3, first_wait_seconds=0.0, longest_wait_seconds=0.0)


@dataclass
class Sent:
    """What a run came to."""

    stopped: str = ""
    ends: Counter[str] = field(default_factory=Counter)


def send(
    ledger: Ledger,
    service: Service,
    requests: Iterable[Request],
    budget: Budget | None = None,
    key: str = KEY,
    **settings: Any,
) -> Sent:
    """Send requests as batch jobs."""
    sent = Sent()
    model = ModelSettings(model="gemini-x", base_url=service.address, timeout_seconds=5, prices=PRICES)

    def heard(_: Request, answer: Answer | None) -> None:
        sent.ends["answered" if answer else "given up"] += 1

    async def run() -> None:
        settled = ledger.settled_keys()
        pending = [request for request in requests if request.key not in settled]
        meter = Meter(budget or Budget(), ledger.totals().spent, Expected(100, 0.001))
        batch = BatchSettings(**({"poll_seconds": 0.05} | settings))
        with ledger.writing() as writer:
            async with GeminiGenerator("gemini", model, SecretStr(key)) as generator:
                runner = BatchRun(generator, writer, batch, PACE, meter, heard)
                sent.stopped = (await runner.send(pending, ledger.open_jobs())).stopped

    asyncio.run(run())
    return sent


def test_jobs_of_a_size(ledger: Ledger, service: Service):
    """Twenty-five requests in jobs of ten are three jobs; all answers are in the ledger at half the price."""
    sent = send(ledger, service, make_requests(25), requests_per_job=10)
    assert sent.ends == {"answered": 25}
    assert sent.stopped == ""
    counts = service.counts
    assert (counts["jobs"], counts["delivered"], counts["delivered_again"]) == (3, 25, 0)
    assert ledger.open_jobs() == []
    spent = ledger.totals().spent
    assert (spent.requests, spent.answers) == (25, 25)
    full = (spent.input_tokens * PRICES.input + spent.output_tokens * PRICES.output) / 1e6
    assert spent.money == pytest.approx(full / 2)


def test_answers_are_those_of_single_requests(ledger: Ledger, service: Service):
    """What a request is answered does not depend on the way that it took."""
    send(ledger, service, make_requests(3))
    found = [one.answer for one in ledger.answers(request.key for request in make_requests(3)) if one]
    assert [answer.finish for answer in found] == ["stop"] * 3
    assert all('"queries"' in answer.text for answer in found)


def test_not_waiting_leaves_jobs_for_the_next_run(ledger: Ledger, service: Service):
    """A run that does not wait hands in and ends; the next one collects and hands in nothing."""
    service.set(batch_seconds=0.5)
    first = send(ledger, service, make_requests(5), wait=False)
    assert "under way" in first.stopped
    assert (ledger.totals().spent.answers, len(ledger.open_jobs())) == (0, 1)
    second = send(ledger, service, make_requests(5))
    assert second.ends == {"answered": 5}
    assert service.counts["jobs"] == 1
    assert ledger.totals().spent.requests == 5


def test_a_run_that_ended_before_the_service_named_the_job(ledger: Ledger, service: Service):
    """A job that was prepared, and handed in or not, is looked for by its label before anything is sent."""
    service.set(batch_seconds=0.3)
    send(ledger, service, make_requests(4), wait=False)
    job = ledger.open_jobs()[0]
    forgetful = Ledger(ledger.path.with_name("other.sqlite"))
    requests = list(make_requests(4))
    with forgetful.writing() as writer:
        writer.job_prepared(job.label, "queries", job.keys, job.settings)
        writer.sent(requests, job=job.label)
    sent = send(forgetful, service, requests)
    assert sent.ends == {"answered": 4}
    assert service.counts["jobs"] == 1


def test_a_job_that_was_never_handed_in(ledger: Ledger, service: Service):
    """If the service knows no such label, the requests are handed in now."""
    requests = list(make_requests(4))
    with ledger.writing() as writer:
        writer.job_prepared("codisearch-lost", "queries", [request.key for request in requests], "s")
    sent = send(ledger, service, requests)
    assert sent.ends == {"answered": 4}
    assert service.counts["jobs"] == 1
    assert ledger.open_jobs() == []


def test_a_lost_reply_does_not_make_a_second_job(ledger: Ledger, service: Service):
    """The service took the job and its reply failed: the job is found, not handed in again."""
    service.set(job_faults=["lost_reply"])
    sent = send(ledger, service, make_requests(4))
    assert sent.ends == {"answered": 4}
    counts = service.counts
    assert (counts["jobs"], counts["calls"]["create"]) == (1, 1)
    assert counts["calls"]["list"] >= 1


def test_a_failed_job_is_handed_in_again(ledger: Ledger, service: Service):
    """Its requests come back in another job, and the first failure stands in the ledger."""
    service.set(job_faults=["failed"])
    sent = send(ledger, service, make_requests(4))
    assert sent.ends == {"answered": 4}
    assert service.counts["jobs"] == 2
    assert ledger.totals().faults == {"server_error": 4}


def test_a_job_that_the_service_has_no_more(ledger: Ledger, service: Service):
    """Its results are lost; its requests are handed in again, and the ledger is not blocked."""
    requests = list(make_requests(3))
    with ledger.writing() as writer:
        writer.job_prepared("label", "queries", [request.key for request in requests], "s")
        writer.sent(requests, job="label")
        writer.job_submitted("label", "queries", "batches/long-gone")
    sent = send(ledger, service, requests)
    assert sent.ends == {"answered": 3}
    assert ledger.open_jobs() == []
    assert ledger.totals().faults == {"server_error": 3}


def test_jobs_that_always_fail_are_given_up(ledger: Ledger, service: Service):
    """After as many jobs as there are tries."""
    service.set(job_faults=["failed"] * 10)
    sent = send(ledger, service, make_requests(4))
    assert sent.ends == {"given up": 4}
    assert service.counts["jobs"] == 3


def test_single_requests_of_a_job_may_fail(ledger: Ledger, service: Service):
    """Transient ones are handed in again, refused ones are given up."""
    service.set(fault_rate=0.6, faults=["503", "bad_request"])
    sent = send(ledger, service, make_requests(30))
    counts = ledger.totals()
    assert sent.ends["answered"] + sent.ends["given up"] == 30
    assert counts.faults["bad_request"] == sent.ends["given up"] > 0
    assert counts.faults["server_error"] > 0
    assert len(ledger.settled_keys()) == sent.ends["answered"]


def test_the_budget_cuts_the_jobs(ledger: Ledger, service: Service):
    """Of thirty requests those that the budget allows are handed in."""
    sent = send(ledger, service, make_requests(30), Budget(requests=12), requests_per_job=5)
    assert "budget of 12 requests" in sent.stopped
    assert ledger.totals().spent.requests == 12
    assert service.counts["delivered"] == 12


def test_no_more_jobs_at_a_time_than_allowed(ledger: Ledger, service: Service):
    """With one open job at a time the second waits for the first."""
    service.set(batch_seconds=0.3)
    send(ledger, service, make_requests(4), requests_per_job=2, open_jobs=1)
    events = [job["kind"] for job in job_events(ledger)]
    assert events == ["job_prepared", "job_submitted", "job_ended"] * 2


def job_events(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the ledger's events about jobs."""
    import sqlite3

    rows = sqlite3.connect(ledger.path).execute("SELECT kind FROM events WHERE kind GLOB 'job*' ORDER BY id")
    return [{"kind": row[0]} for row in rows]


def test_a_service_that_cannot_be_reached(ledger: Ledger):
    """The run ends cleanly with the reason, and the job that may have been handed in stays open."""
    sent = send(ledger, Service("http://127.0.0.1:9"), make_requests(3))
    assert "connection" in sent.stopped
    assert len(ledger.open_jobs()) == 1


def test_a_wrong_key(ledger: Ledger, service: Service):
    """A refused key ends the run with an error; the job counts as not handed in, and the key is not shown."""
    service.set(echo_key=True)
    with pytest.raises(GeneratorError, match="refuses every request") as caught:
        send(ledger, service, make_requests(3), key="wrong-key-987")
    assert "wrong-key-987" not in str(caught.value)
    assert ledger.open_jobs() == []
    for path in ledger.path.parent.iterdir():
        assert b"wrong-key-987" not in path.read_bytes()
