# SPDX-License-Identifier: Apache-2.0
"""A folder on a web server: web_folder.py FOLDER LOG, prints its port. Understands ranges unless the folder holds a file
no-ranges; breaks off after 1000 bytes while it holds a file break; one line of the log is one request."""
import http.server
import os
import sys

folder, log = sys.argv[1:3]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = os.path.join(folder, os.path.basename(self.path))
        wanted = self.headers.get("Range")
        with open(log, "a") as f:
            f.write(f"{self.path} {wanted}\n")
        if not os.path.isfile(path):
            self.send_error(404)
            return
        with open(path, "rb") as f:
            data = f.read()
        start = 0
        if wanted and not os.path.exists(os.path.join(folder, "no-ranges")):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        broken = path.endswith(".onnx") and os.path.exists(os.path.join(folder, "break"))
        self.wfile.write(data[start:start + 1000] if broken else data[start:])

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
