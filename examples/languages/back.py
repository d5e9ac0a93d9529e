# pip install fastapi uvicorn opentelemetry-sdk opentelemetry-exporter-otlp-proto-grpc \
#     opentelemetry-instrumentation-fastapi opentelemetry-instrumentation-logging
"""The service at the back: FastAPI, with OpenTelemetry's SDK for Python, which sends OTLP over gRPC to localhost:4317."""

import logging
import os
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

os.environ.setdefault("OTEL_SERVICE_NAME", "back")
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
ids = "trace_id=%(otelTraceID)s span_id=%(otelSpanID)s"
LoggingInstrumentor().instrument(set_logging_format=True, logging_format=f"%(asctime)s %(levelname)s {ids} %(message)s")


@asynccontextmanager
async def telemetry(_):
    yield
    provider.shutdown()


app = FastAPI(lifespan=telemetry)
FastAPIInstrumentor.instrument_app(app)


@app.get("/word/{kind}", response_class=PlainTextResponse)
async def word(kind: str):
    logging.info("looking up a %s", kind)
    return "bonjour"
