"""An OTLP/HTTP server made of the official protobuf package: prints each request as `<path> <json>`."""

import base64
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MESSAGES = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}
IDS = ("traceId", "spanId", "parentSpanId")
PRINTING = threading.Lock()


def with_base64_ids(value):
    """OTLP/JSON has ids in hexadecimal, where the JSON of protobuf has base64."""
    if isinstance(value, list):
        return [with_base64_ids(element) for element in value]
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(inner)).decode() if key in IDS else with_base64_ids(inner)
            for key, inner in value.items()
        }
    return value


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        message = MESSAGES[self.path]()
        if self.headers["content-type"] == "application/json":
            ParseDict(with_base64_ids(json.loads(body)), message)
        else:
            assert self.headers["content-type"] == "application/x-protobuf"
            message.ParseFromString(body)
        with PRINTING:
            print(self.path + " " + json.dumps(MessageToDict(message)) + "\n", end="")
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("listening on 127.0.0.1:%d" % server.server_port)
server.serve_forever()
