"""Logs, traces and their context: set up once a process. No personal data goes into either."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ._config import Kit

if TYPE_CHECKING:
    from collections.abc import Iterator

_propagator: Final = TraceContextTextMapPropagator()
_tracer: Final = trace.get_tracer("yiwang")
_recorded = False
LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def set_up(kit: Kit, name: str) -> None:
    """Configure structlog and, when a collector is configured, OpenTelemetry. Safe to call again."""
    # Never a traceback with local variables: they hold passwords and what citizens wrote.
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if kit.log_json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([structlog.processors.format_exc_info] if kit.log_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS.get(kit.log_level, 20)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    for noisy in ("nats", "asyncpg"):  # the kit reports links itself, in one line
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    if kit.otlp_endpoint and not tracing():
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider(
            resource=Resource.create({"service.name": name}), sampler=ParentBased(TraceIdRatioBased(kit.trace_sample))
        )
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{kit.otlp_endpoint.rstrip('/')}/v1/traces")))
        trace.set_tracer_provider(provider)


def tracing() -> bool:
    """Whether anybody records spans; remembered once it is so, for it is asked at every request."""
    global _recorded
    _recorded = _recorded or isinstance(getattr(trace, "_TRACER_PROVIDER", None), TracerProvider)
    return _recorded


def current_trace() -> str:
    """The traceparent of the current span if it is sampled, else empty: unsampled events carry no header."""
    context = trace.get_current_span().get_span_context()
    if not context.trace_flags.sampled:
        return ""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def span_of(name: str, traces: list[str]) -> Iterator[None]:
    """A consumer span over a batch: child of the first trace, linked to the others. Nothing for unsampled events."""
    sampled = [t for t in traces if t]
    if not sampled:
        yield
        return
    contexts = [_propagator.extract({"traceparent": t}) for t in dict.fromkeys(sampled)]
    links = [trace.Link(trace.get_current_span(c).get_span_context()) for c in contexts[1:]]
    with _tracer.start_as_current_span(name, context=contexts[0], kind=trace.SpanKind.CONSUMER, links=links):
        yield
