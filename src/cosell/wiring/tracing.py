"""Traces for OpenTelemetry: one span for each batch of links, one for each request, with ids only.

Off unless an address is given in the variables of the standard, `OTEL_EXPORTER_OTLP_ENDPOINT` or
`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. The libraries are an extra, `cosell[otel]`; what they send leaves by
their own HTTP client and not by ours, to that address and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cosell.core.errors import Misconfigured
from cosell.core.records import Write
from cosell.http import Ended

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
MOST_KEYS = 20
"""Link keys named on the span of a batch; its size tells the rest."""


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether traces are to be sent."""
    return any(environ.get(name) for name in ADDRESSES) and environ.get("OTEL_SDK_DISABLED") != "true"


class Traces:
    """The spans of one process, on a provider of their own; nothing global is set."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        try:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            if exporter is None:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

                exporter = OTLPSpanExporter()
        except ImportError:
            raise Misconfigured(
                "Traces are asked for (OTEL_EXPORTER_OTLP_ENDPOINT), and what sends them is not installed.",
                advice="Install it with: pip install 'cosell[otel]', or unset the variable.",
                code="otel_missing",
            ) from None
        self.provider: TracerProvider = TracerProvider(resource=Resource.create({"service.name": "cosell"}))
        self.provider.add_span_processor(BatchSpanProcessor(exporter))

    def of(self, environment: str) -> Traced:
        """The witness of one environment."""
        return Traced(self.provider, environment)

    def close(self) -> None:
        """Sends what is left, a few seconds at most."""
        self.provider.shutdown()


class Traced:
    """Makes a span of what happens in one environment."""

    def __init__(self, provider: TracerProvider, environment: str) -> None:
        self._tracer: Any = provider.get_tracer("cosell")
        self._environment = environment

    def calling(self, system: str, method: str, purpose: str) -> Ended:
        named = purpose or method.lower()
        span = self._tracer.start_span(
            f"{system} {named}",
            attributes={
                "cosell.environment": self._environment,
                "cosell.system": system,
                "cosell.purpose": named,
                "http.request.method": method,
            },
        )

        def ended(how: str) -> None:
            if how.isdigit():
                span.set_attribute("http.response.status_code", int(how))
            else:
                span.set_attribute("error.type", how)
            span.end()

        return ended

    def batch(self, keys: Sequence[str]) -> Ended:
        span = self._tracer.start_span(
            "reconcile",
            attributes={
                "cosell.environment": self._environment,
                "cosell.links": len(keys),
                "cosell.link_keys": list(keys[:MOST_KEYS]),
            },
        )
        return lambda _: span.end()

    def wrote(self, write: Write, seconds: float) -> None:
        """The request's own span tells of it."""
