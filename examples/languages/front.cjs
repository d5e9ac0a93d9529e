// npm install express @opentelemetry/{api,sdk-node,instrumentation-http,instrumentation-express}
//
// The service in front: Express, with OpenTelemetry's SDK for Node, which sends OTLP over HTTP to localhost:4318.
const { NodeSDK } = require("@opentelemetry/sdk-node");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { ExpressInstrumentation } = require("@opentelemetry/instrumentation-express");

process.env.OTEL_SERVICE_NAME ??= "front";
const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()] });
sdk.start();

// What is instrumented is loaded after the SDK has started.
const { trace } = require("@opentelemetry/api");
const express = require("express");
const http = require("http");

const [, , port = "8080", middle = "http://127.0.0.1:8081"] = process.argv;

function log(message) {
    const { traceId, spanId } = trace.getActiveSpan()?.spanContext() ?? {};
    console.log(JSON.stringify({ severity: "INFO", message, trace_id: traceId, span_id: spanId }));
}

const app = express();
app.get("/hello/:name", (request, response) => {
    log(`greeting ${request.params.name}`);
    const url = `${middle}/greet/${encodeURIComponent(request.params.name)}`;
    http.get(url, (answer) => {
        response.status(answer.statusCode);
        answer.pipe(response);
    }).on("error", (fault) => response.status(502).send(fault.message));
});

const server = app.listen(Number(port), "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
process.once("SIGTERM", () => server.close(() => sdk.shutdown().then(() => process.exit(0))));
