"""A Loki as far as its push API goes: it decodes what comes by its own means, and prints it as JSON.

The arguments are the statuses of its first answers; all others are 204.
"""

import gzip
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

STATUSES = [int(status) for status in sys.argv[1:]]


def push_request():
    """The messages of the push API, by the numbers of their fields as Loki documents them."""
    field = descriptor_pb2.FieldDescriptorProto
    one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    messages = {
        "PushRequest": [("streams", 1, many, ".logproto.StreamAdapter")],
        "StreamAdapter": [("labels", 1, one, str), ("entries", 2, many, ".logproto.EntryAdapter"), ("hash", 3, one, int)],
        "EntryAdapter": [
            ("timestamp", 1, one, ".google.protobuf.Timestamp"),
            ("line", 2, one, str),
            ("structuredMetadata", 3, many, ".logproto.LabelPairAdapter"),
        ],
        "LabelPairAdapter": [("name", 1, one, str), ("value", 2, one, str)],
    }
    file = descriptor_pb2.FileDescriptorProto(name="push.proto", package="logproto", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for name, number, label, kind in fields:
            added = message.field.add(name=name, number=number, label=label)
            if kind is str:
                added.type = field.TYPE_STRING
            elif kind is int:
                added.type = field.TYPE_UINT64
            else:
                added.type, added.type_name = field.TYPE_MESSAGE, kind
    pool = descriptor_pool.DescriptorPool()
    known = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(known)
    pool.Add(known)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("logproto.PushRequest"))


PUSH_REQUEST = push_request()


def unsnapped(data):
    """The block format of snappy."""
    length, shift, at = 0, 0, 0
    while True:
        byte = data[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            size = tag >> 2
            if size >= 60:
                count = size - 59
                size = int.from_bytes(data[at : at + count], "little")
                at += count
            out += data[at : at + size + 1]
            at += size + 1
            continue
        if tag & 3 == 1:
            size, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            count = 2 if tag & 3 == 2 else 4
            size, offset = (tag >> 2) + 1, int.from_bytes(data[at : at + count], "little")
            at += count
        assert 0 < offset <= len(out)
        for _ in range(size):
            out.append(out[-offset])
    assert len(out) == length, "the length is another one"
    return bytes(out)


def labels(text):
    assert text.startswith("{") and text.endswith("}"), text
    found, rest = {}, text[1:-1]
    while rest:
        name, value, rest = re.fullmatch(r'([A-Za-z_][A-Za-z0-9_]*)=("(?:[^"\\]|\\.)*")(?:, (.+))?', rest, re.S).groups()
        assert name not in found
        found[name], rest = json.loads(value), rest or ""
    return found


def of_protobuf(body):
    push = PUSH_REQUEST.FromString(unsnapped(body))
    assert not push.FindInitializationErrors()
    return [
        {
            "stream": labels(stream.labels),
            "values": [
                [
                    str(entry.timestamp.seconds * 10**9 + entry.timestamp.nanos),
                    entry.line,
                    {pair.name: pair.value for pair in entry.structuredMetadata},
                ]
                for entry in stream.entries
            ],
        }
        for stream in push.streams
    ]


def of_json(body):
    streams = json.loads(body)["streams"]
    for stream in streams:
        assert all(isinstance(value, str) for value in stream["stream"].values())
        for value in stream["values"]:
            assert isinstance(value[0], str) and isinstance(value[1], str)
            value.extend([{}] if len(value) == 2 else [])
            assert all(isinstance(text, str) for text in value[2].values())
    return streams


class Loki(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind, coding = self.headers["Content-Type"], self.headers["Content-Encoding"]
        decoders = {
            ("application/x-protobuf", None): of_protobuf,
            ("application/json", None): of_json,
            ("application/json", "gzip"): lambda body: of_json(gzip.decompress(body)),
        }
        try:
            streams = decoders[kind, coding](body)
            status = STATUSES.pop(0) if STATUSES else 204
        except Exception as fault:
            streams, status = repr(fault), 400
        seen = {"path": self.path, "type": kind, "coding": coding, "tenant": self.headers["X-Scope-OrgID"]}
        seen |= {"user": self.headers["Authorization"], "streams": streams, "status": status}
        print("push", json.dumps(seen))
        answer = b"" if status == 204 else b"entry too far behind\n"
        self.send_response(status)
        if answer:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Loki)
print("listening on", "%s:%d" % server.server_address, flush=True)
server.serve_forever()
