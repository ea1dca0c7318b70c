# SPDX-License-Identifier: Apache-2.0
"""An OpenTelemetry collector of a page: takes OTLP/HTTP with protobuf bodies and writes a JSON line
for each span, metric and log record. Decodes the wire format itself, by the field numbers of
opentelemetry-proto 1.x: it shares nothing with the program that it checks.

    otlp_sink.py PORT_FILE LINES_FILE [REFUSALS]     answers 503 to the first REFUSALS requests
"""
import http.server
import json
import os
import struct
import sys


def fields(b):
    """(number, value) of a message: int for varint and fixed, bytes for length-delimited."""
    at = 0

    def varint():
        nonlocal at
        v = shift = 0
        while True:
            byte = b[at]
            at += 1
            v |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return v

    while at < len(b):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
        elif kind == 1:
            yield key >> 3, b[at:at + 8]
            at += 8
        elif kind == 2:
            n = varint()
            assert at + n <= len(b), "a length beyond its message"
            yield key >> 3, b[at:at + n]
            at += n
        else:
            raise AssertionError(f"wire type {kind}")


def one(b, number, default=None):
    return next((v for n, v in fields(b) if n == number), default)


def every(b, number):
    return [v for n, v in fields(b) if n == number]


def text(b):
    return (b or b"").decode("utf-8")  # a collector refuses anything else


def value(b):
    for n, v in fields(b):
        if n == 1:
            return text(v)
        if n == 4:
            return struct.unpack("<d", v)[0]
        return v
    return None


def attributes(b, number):
    return {text(one(a, 1)): value(one(a, 2, b"")) for a in every(b, number)}


def double(b):
    return struct.unpack("<d", b)[0] if b else 0.0


def fixed(b):
    return struct.unpack("<Q", b)[0] if b else 0


def spans(scope):
    for s in every(scope, 2):
        status = one(s, 15, b"")
        yield {"trace": one(s, 1).hex(), "span": one(s, 2).hex(), "parent": one(s, 4, b"").hex(),
               "state": text(one(s, 3)), "name": text(one(s, 5)), "kind": one(s, 6, 0),
               "start": fixed(one(s, 7)), "end": fixed(one(s, 8)), "with": attributes(s, 9),
               "status": one(status, 3, 0), "why": text(one(status, 2))}


def metrics(scope):
    for m in every(scope, 2):
        sums, spread = one(m, 7), one(m, 9)
        for p in every(sums or b"", 1):
            yield {"metric": text(one(m, 1)), "value": double(one(p, 4)), "with": attributes(p, 7),
                   "temporality": one(sums, 2), "rising": one(sums, 3, 0)}
        for p in every(spread or b"", 1):
            counts = b"".join(every(p, 6))
            yield {"metric": text(one(m, 1)), "count": fixed(one(p, 4)), "sum": double(one(p, 5)),
                   "counts": list(struct.unpack(f"<{len(counts) // 8}Q", counts)),
                   "bounds": len(b"".join(every(p, 7))) // 8, "with": attributes(p, 9),
                   "temporality": one(spread, 2)}


def logs(scope):
    for r in every(scope, 2):
        yield {"log": value(one(r, 5, b"")), "level": text(one(r, 3)), "number": one(r, 2, 0),
               "trace": one(r, 9, b"").hex(), "span": one(r, 10, b"").hex(), "with": attributes(r, 6)}


READ = {"/v1/traces": spans, "/v1/metrics": metrics, "/v1/logs": logs}


class Sink(http.server.BaseHTTPRequestHandler):
    refusals = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/x-protobuf"
        if Sink.refusals > 0:
            Sink.refusals -= 1
            self.send_response(503)
            self.end_headers()
            return
        with open(sys.argv[2], "a", encoding="utf-8") as out:
            for resource in every(body, 1):
                told = attributes(one(resource, 1, b""), 1)
                for scope in every(resource, 2):
                    for line in READ[self.path](scope):
                        line["resource"] = told
                        line["key"] = self.headers.get("X-Key")
                        out.write(json.dumps(line, sort_keys=True) + "\n")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Sink.refusals = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    with open(sys.argv[1] + ".new", "w", encoding="utf-8") as f:
        f.write(str(server.server_address[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()
