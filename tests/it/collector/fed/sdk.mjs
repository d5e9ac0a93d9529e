// Sends one trace, two log records and three measurements with the OpenTelemetry SDK for Node, as its variables say.

import { createRequire } from "node:module";

const require = createRequire(process.env.MODULES + "/");
const protocol = { grpc: "grpc", "http/protobuf": "proto", "http/json": "http" }[process.env.OTEL_EXPORTER_OTLP_PROTOCOL];
const { diag, trace, context, DiagConsoleLogger, DiagLogLevel, SpanKind, SpanStatusCode } = require("@opentelemetry/api");
const { SeverityNumber } = require("@opentelemetry/api-logs");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BasicTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { MeterProvider, PeriodicExportingMetricReader } = require("@opentelemetry/sdk-metrics");
const { LoggerProvider, BatchLogRecordProcessor } = require("@opentelemetry/sdk-logs");
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${protocol}`);
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${protocol}`);
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${protocol}`);

// What it cannot send, it says.
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);

const resource = resourceFromAttributes({ "service.name": "shop" });
const tracers = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
const reader = new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(), exportIntervalMillis: 3_600_000 });
const meters = new MeterProvider({ resource, readers: [reader] });
const logs = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })] });

const tracer = tracers.getTracer("fed", "1.0");
const logger = logs.getLogger("fed");
const parent = tracer.startSpan("parent", { kind: SpanKind.SERVER });
console.log("trace", parent.spanContext().traceId);
parent.setAttributes({ text: "é", truth: true, whole: -7, double: 0.5, list: ["a", "b"] });
const links = [{ context: parent.spanContext(), attributes: { why: "test" } }];
const child = tracer.startSpan("child", { links }, trace.setSpan(context.active(), parent));
child.addEvent("reached", { step: 1 });
child.setStatus({ code: SpanStatusCode.ERROR, message: "no luck" });
const inside = trace.setSpan(context.active(), child);
logger.emit({ body: "inside", severityNumber: SeverityNumber.INFO, attributes: { n: 1 }, context: inside });
child.end();
parent.end();
logger.emit({ body: { out: ["side", 2, null] }, severityNumber: SeverityNumber.WARN });

const meter = meters.getMeter("fed");
meter.createCounter("orders").add(3, { how: "card" });
meter.createHistogram("duration", { unit: "s" }).record(0.25);
meter.createGauge("waiting").record(2.5);

for (const provider of [tracers, logs, meters]) await provider.shutdown();
console.log("done");
