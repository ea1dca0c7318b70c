# SPDX-License-Identifier: Apache-2.0
"""The API and Prometheus as a program meets them, with the standard library alone."""
import base64
import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request

BOUNDARY = "demeter-deploy-boundary"


def form(field, filename, data):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{filename}"\r\nContent-Type: image/jpeg\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


class Client:
    def __init__(self, base, ca=None):
        self.base, self.token, self.basic = base, None, None
        self.context = ssl.create_default_context(cafile=ca) if base.startswith("https") else None

    def request(self, method, path, body=None, kind=None):
        """Status, headers, bytes."""
        request = urllib.request.Request(self.base + path, data=body, method=method)
        if kind:
            request.add_header("Content-Type", kind)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if self.basic:
            request.add_header("Authorization", "Basic " + base64.b64encode(":".join(self.basic).encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.context) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()

    def status(self, method, path):
        return self.request(method, path)[0]

    def headers(self, path):
        return self.request("GET", path)[1]

    def json(self, method, path, body=None):
        status, _, data = self.request(method, path, json.dumps(body).encode() if body is not None else None, "application/json")
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {status} {data[:300]!r}")
        return json.loads(data)

    def upload(self, path, field, filename, data):
        status, _, answer = self.request("POST", path, form(field, filename, data), f"multipart/form-data; boundary={BOUNDARY}")
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, answer


class SlowUpload:
    """A request whose body comes in two parts."""

    def __init__(self, client, path, filename, data):
        self.body = form("files", filename, data)
        self.connection = http.client.HTTPConnection(client.base.removeprefix("http://"), timeout=60)
        self.connection.putrequest("POST", path)
        for name, value in (("Content-Type", f"multipart/form-data; boundary={BOUNDARY}"), ("Content-Length", str(len(self.body))),
                            ("Authorization", f"Bearer {client.token}")):
            self.connection.putheader(name, value)

    def first_half(self):
        self.connection.endheaders(self.body[:len(self.body) // 2])

    def second_half(self):
        self.connection.send(self.body[len(self.body) // 2:])
        return self.connection.getresponse().status


class Prometheus(Client):
    def query(self, expression):
        return self.json("GET", "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))["data"]["result"]
