"""What Prometheus can read of the service; one registry for each app, so that two in a process do not mix."""

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from codisearch.retrieval.bundle import Manifest

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MERGED: Final = (1, 2, 4, 8, 16, 32)


class Metrics:
    """Counters of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "codisearch_requests", "Requests.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "codisearch_request_seconds",
            "Seconds from request to answer.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._queries = Counter("codisearch_queries", "Queries searched.", registry=self.registry)
        self._refused = Counter(
            "codisearch_busy", "Searches refused: the queue was full.", registry=self.registry
        )
        self._merged = Histogram(
            "codisearch_merged_queries",
            "Queries that one search answered.",
            buckets=MERGED,
            registry=self.registry,
        )
        self.waiting = Gauge("codisearch_waiting", "Searches that wait for a worker.", registry=self.registry)
        self.running = Gauge("codisearch_running", "Searches being done.", registry=self.registry)
        self._ready = Gauge("codisearch_ready", "1 when the bundle is loaded.", registry=self.registry)
        self._bundle = Info("codisearch_bundle", "The bundle that is served.", registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float, queries: int) -> None:
        """Count one request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        self._queries.inc(queries)

    def count_busy(self) -> None:
        """Count one search that was refused because the queue was full."""
        self._refused.inc()

    def observe_merged(self, queries: int) -> None:
        """Count one call of the retriever with so many queries."""
        self._merged.observe(queries)

    def describe(self, manifest: Manifest) -> None:
        """Say which bundle is served, and that it is ready."""
        self._bundle.info(
            {
                "release": manifest.release,
                "codisearch": manifest.codisearch,
                "created": manifest.created,
                "encoder": manifest.encoder,
                "reranker": manifest.reranker,
            }
        )
        self._ready.set(1)

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)
