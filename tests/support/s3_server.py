#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An S3 server for tests: OpenStack Swift (Debian packages) with its s3api, all four services of it
in this one process, on loopback, data below FOLDER.

  s3_server.py FOLDER PORT     prints "ready"; the account is test:tester, its secret "testing"
"""
import array
import ctypes
import logging
import os
import signal
import sys

from swift.common import utils

utils.eventlet_monkey_patch()

import eventlet
from eventlet import wsgi
from swift.account.server import AccountController
from swift.common import ring
from swift.common import wsgi as swift_wsgi
from swift.container.server import ContainerController
from swift.obj.server import ObjectController

PROXY = """[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth bulk slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:s3api]
use = egg:swift#s3api
storage_domain = localhost
allow_multipart_uploads = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


class Cache:
    """The part of swift.common.memcached that the proxy needs; it has no fallback without one."""

    def __init__(self, app):
        self.app, self.values = app, {}

    def __call__(self, env, start_response):
        env["swift.cache"] = self
        return self.app(env, start_response)

    def get(self, key, *_, **__):
        return self.values.get(key)

    def set(self, key, value, *_, **__):
        self.values[key] = value

    def delete(self, key, *_, **__):
        self.values.pop(key, None)

    def incr(self, key, delta=1, *_, **__):
        self.values[key] = max(0, self.values.get(key, 0) + delta)
        return self.values[key]


def main(folder, port):
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: not longer than the test
    utils.HASH_PATH_PREFIX, utils.HASH_PATH_SUFFIX = b"a", b"b"
    utils.validate_configuration = lambda: None  # it wants /etc/swift/swift.conf
    os.makedirs(folder + "/devices/d1", exist_ok=True)
    conf = {"devices": folder + "/devices", "swift_dir": folder, "mount_check": "false",
            "bind_ip": "127.0.0.1"}
    quiet = logging.getLogger("quiet")
    quiet.addHandler(logging.NullHandler())
    socks = {}
    for name in ("account", "container", "object"):
        socks[name] = eventlet.listen(("127.0.0.1", 0))
        device = {"id": 0, "region": 1, "zone": 0, "device": "d1", "ip": "127.0.0.1",
                  "port": socks[name].getsockname()[1], "weight": 1.0,
                  "replication_ip": "127.0.0.1",
                  "replication_port": socks[name].getsockname()[1]}
        ring.RingData([array.array("H", [0] * 4)], [device], 30).save(
            "%s/%s.ring.gz" % (folder, name))
    for name, kind in (("account", AccountController), ("container", ContainerController),
                       ("object", ObjectController)):
        eventlet.spawn(wsgi.server, socks[name], kind(conf), quiet, log_output=False,
                       protocol=swift_wsgi.SwiftHttpProtocol)
    with open(folder + "/proxy.conf", "w") as f:
        f.write(PROXY.format(folder=folder))
    app = Cache(swift_wsgi.loadapp(folder + "/proxy.conf", global_conf={}))
    front = eventlet.listen(("127.0.0.1", port))
    print("ready", flush=True)
    wsgi.server(front, app, quiet, log_output=False, protocol=swift_wsgi.SwiftHttpProtocol)


main(sys.argv[1], int(sys.argv[2]))
