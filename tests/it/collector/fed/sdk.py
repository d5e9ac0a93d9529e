"""Sends one trace, two log records and three measurements with the OpenTelemetry SDK for Python, as its variables say."""

import logging
import os

from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

# What it cannot send, it says.
logging.basicConfig(level=logging.WARNING, format="%(message)s")

resource = Resource.create({"service.name": "shop"})
tracers = TracerProvider(resource=resource)
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
meters = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))

tracer = tracers.get_tracer("fed", "1.0")
logger = logs.get_logger("fed")
with tracer.start_as_current_span("parent", kind=trace.SpanKind.SERVER) as parent:
    print("trace", format(parent.get_span_context().trace_id, "032x"))
    parent.set_attributes({"text": "é", "truth": True, "whole": -7, "double": 0.5, "list": ["a", "b"]})
    with tracer.start_as_current_span("child", links=[trace.Link(parent.get_span_context(), {"why": "test"})]) as child:
        child.add_event("reached", {"step": 1})
        child.set_status(trace.StatusCode.ERROR, "no luck")
        logger.emit(LogRecord(body="inside", severity_number=SeverityNumber.INFO, attributes={"n": 1}))
logger.emit(LogRecord(body={"out": ["side", 2, None]}, severity_number=SeverityNumber.WARN))

meter = meters.get_meter("fed")
meter.create_counter("orders").add(3, {"how": "card"})
meter.create_histogram("duration", unit="s").record(0.25)
meter.create_gauge("waiting").set(2.5)

for provider in (tracers, logs, meters):
    provider.shutdown()
print("done")
