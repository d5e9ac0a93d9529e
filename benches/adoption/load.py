"""Starts a service, looks at it while it waits, asks it, and prints what it used.

It is an OTLP server for the service too, which counts the spans that arrive.
"""

import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS, CONNECTIONS, ROUNDS, LINES = 10_000, 4, 5, 20
bodies = []


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/v1/traces":
            bodies.append((self.headers.get("content-encoding"), body))
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def arrived():
    """How many server spans are in the bodies."""
    total = 0
    for coding, body in bodies:
        request = ExportTraceServiceRequest.FromString(gzip.decompress(body) if coding == "gzip" else body)
        for resource in request.resource_spans:
            total += sum(span.kind == span.SPAN_KIND_SERVER for scope in resource.scope_spans for span in scope.spans)
    return total


def used(process):
    """Seconds of the processor, of all its threads."""
    total = 0
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{thread}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


def status(process, name):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def ask(address, lines):
    """Asks REQUESTS times, on a few connections in turn."""
    request = f"GET /lines/{lines} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
    sockets = [socket.create_connection(address) for _ in range(CONNECTIONS)]
    for _ in range(REQUESTS // CONNECTIONS):
        for connection in sockets:
            connection.sendall(request)
        for connection in sockets:
            answer = b""
            while not answer.endswith(b" lines\n"):
                answer += connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
    for connection in sockets:
        connection.close()


def per_request(process, address, lines):
    """Microseconds of the processor for each request, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        before = used(process)
        ask(address, lines)
        # A batch that is full leaves at once; this is for what it costs to send it.
        time.sleep(0.5)
        best = min(best, (used(process) - before) / REQUESTS * 1e6)
    return best


sink = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
sink.daemon_threads = True
threading.Thread(target=sink.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{sink.server_port}"
environment = {
    "PATH": os.environ["PATH"],
    "RUST_LOG": "info",
    "OTEL_SERVICE_NAME": "service",
    "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "LOGFIRE_BASE_URL": endpoint,
}
process = subprocess.Popen([sys.argv[1]], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
try:
    for line in process.stdout:
        if found := re.search(rb"listening on 127\.0\.0\.1:(\d+)", line):
            break
    else:
        sys.exit("the service ended before it listened")
    address = ("127.0.0.1", int(found[1]))
    # Its lines are read and forgotten.
    threading.Thread(target=lambda: [None for _ in iter(lambda: process.stdout.read1(1 << 20), b"")], daemon=True).start()
    time.sleep(2)
    idle, threads = status(process, "VmRSS") / 1024, status(process, "Threads")
    ask(address, 0)
    request = per_request(process, address, 0)
    line = (per_request(process, address, LINES) - request) / LINES
    time.sleep(6)
    share = arrived() / (REQUESTS * (1 + 2 * ROUNDS))
    print(f"{idle:.1f} | {threads} | {request:.1f} | {line:.1f} | {f'{share:.0%}' if bodies else 'none'}")
finally:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
