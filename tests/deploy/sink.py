# SPDX-License-Identifier: Apache-2.0
"""Where the collector sends its traces in the test: a trace store in memory, OTLP as JSON."""
import collections
import http.server
import json
import threading


class Sink:
    def __init__(self):
        self.spans = []
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802 the name is the library's
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for resource in json.loads(body).get("resourceSpans", []):
                    attributes = {a["key"]: a["value"].get("stringValue") for a in resource["resource"].get("attributes", [])}
                    for scope in resource["scopeSpans"]:
                        sink.spans += [{"service": attributes.get("service.name"), "name": s["name"], "trace": s["traceId"],
                                        "parent": s.get("parentSpanId", "")} for s in scope["spans"]]
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    def traces(self):
        found = collections.defaultdict(list)
        for span in list(self.spans):
            found[span["trace"]].append(span)
        return found
