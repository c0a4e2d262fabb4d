"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from stages.deploy.bundle import Settings

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """Counters of one server.

    Attributes:
        requests: answered, by status code.
        seconds: from the request's headers to the answer.
        work: of that, decoding, inference and suppression.
        under_way: requests being read, waiting or worked on.
        detections: found, by category.
    """

    def __init__(self, settings: Settings) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        # every metric below is registered by its last argument
        self.requests = Counter("detector_requests", "Requests answered", ["code"], registry=self.registry)
        self.seconds = Histogram(
            "detector_request_seconds", "From headers to answer", buckets=SECONDS, registry=self.registry
        )
        self.work = Histogram(
            "detector_work_seconds", "Decoding, inference, suppression", buckets=SECONDS, registry=self.registry
        )
        self.under_way = Gauge("detector_requests_under_way", "Requests not yet answered", registry=self.registry)
        self.detections = Counter("detector_detections", "Objects found", ["category"], registry=self.registry)
        for name in settings.names:
            self.detections.labels(name)
        Info("detector_model", "What is served", registry=self.registry).info({"sha256": settings.model_sha256})

    def expose(self, accept: str) -> tuple[bytes, str]:
        """The page and its content type, in the format that ``accept`` asks for."""
        encode: Callable[[CollectorRegistry], bytes]
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
