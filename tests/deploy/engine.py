# SPDX-License-Identifier: Apache-2.0
"""What the parts of scripts/test-deploy share: commands, checks, images that stand in."""
import json
import os
import pathlib
import subprocess
import tempfile
import time

PULL_S = 20  # a registry that can be reached has begun to answer by then
VERSIONS = "deploy/compose/versions.env"
BASE = os.environ.get("BASE_IMAGE", "debian:bookworm-slim")
# variable of versions.env: file of deploy/standins, build arguments
STAND_INS = {
    "POSTGRES_IMAGE": ("postgres.Dockerfile", []),
    "REDIS_IMAGE": ("redis.Dockerfile", []),
    "PROMETHEUS_IMAGE": ("prometheus.Dockerfile", ["PROGRAM=prometheus"]),
    "ALERTMANAGER_IMAGE": ("prometheus.Dockerfile", ["PROGRAM=alertmanager"]),
    "CADDY_IMAGE": ("caddy.Dockerfile", []),
    "NGINX_IMAGE": ("nginx.Dockerfile", []),
}


def say(text):
    print(text, flush=True)


def sh(*command, check=True, timeout=900, **more):
    """Output as text; a failure shows the command's own words."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **more)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def inspect(name, *, kind="container"):
    return json.loads(sh("docker", kind, "inspect", name).stdout)[0]


def wait_for(what, seconds, every=0.25):
    """The first true answer of what(), or the last false one when the time is over."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every)


class Report:
    def __init__(self):
        self.passed, self.failed, self.skipped, self.measured = 0, [], [], {}

    def check(self, name, good, detail=""):
        self.passed += bool(good)
        if not good:
            self.failed.append(name)
        say(f"{'ok  ' if good else 'FAIL'} {name}{': ' + str(detail) if detail != '' else ''}")
        return bool(good)

    def attempt(self, name, action, *args):
        """A part that breaks is a failed check and does not hide the rest."""
        try:
            return action(*args)
        except Exception as e:  # noqa: BLE001 whatever it was, it is reported
            self.check(name, False, f"{type(e).__name__}: {e}")
            return None

    def measure(self, name, value, unit="", limit=None):
        self.measured[name] = value
        if limit is None:
            say(f"     {name}: {value} {unit}")
        else:
            self.check(name, value <= limit, f"{value} {unit} (limit {limit})")

    def skip(self, name, why):
        self.skipped.append(name)
        say(f"SKIP {name}: {why}")

    def end(self):
        for name in self.failed:
            say(f"failed: {name}")
        for name in self.skipped:
            say(f"skipped: {name}")
        say(f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped")
        return 1 if self.failed or not self.passed else 0


def local(image):
    return sh("docker", "image", "inspect", image, check=False).returncode == 0


def pull(image):
    try:
        return sh("docker", "pull", "-q", image, check=False, timeout=PULL_S).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def build_collector(tree, tag):
    """The collector from Go modules, with the builder that its makers publish."""
    if sh("go", "version", check=False).returncode:
        return False
    version = tag.rsplit(":", 1)[1]
    env = {**os.environ, "CGO_ENABLED": "0"}
    with tempfile.TemporaryDirectory() as work:
        env["GOBIN"] = work
        sh("go", "install", f"go.opentelemetry.io/collector/cmd/builder@v{version}", env=env, timeout=3600)
        sh(f"{work}/builder", "--config", tree / "deploy/standins/otelcol.yaml", cwd=work, env=env, timeout=3600)
        (pathlib.Path(work) / "build/Dockerfile").write_text(
            f"FROM {BASE}\nCOPY otelcol /otelcol\nUSER 10001\nENTRYPOINT [\"/otelcol\"]\n")
        sh("docker", "build", "-q", "-t", tag, "--label", "demeter.standin=true", f"{work}/build")
    return True


def make_stand_in(tree, variable, tag):
    if variable == "OTELCOL_IMAGE":
        return build_collector(tree, tag)
    if variable not in STAND_INS:
        return False
    file, arguments = STAND_INS[variable]
    folder = tree / "deploy/standins"
    sh("docker", "build", "-q", "-t", tag, "--label", "demeter.standin=true", "-f", folder / file, "--build-arg", f"BASE_IMAGE={BASE}",
       *(x for a in arguments for x in ("--build-arg", a)), folder, timeout=3600)
    return True


def base_image(tree):
    if not local(BASE) and not pull(BASE):
        say(f"     {BASE}: made from packages; name another base in BASE_IMAGE")
        sh(tree / "deploy/standins/base", BASE, timeout=3600)


def stand_ins(tree, report):
    """Every third-party image, pulled or replaced: {variable: tag}, without those that cannot be had."""
    have = {}
    for line in (tree / VERSIONS).read_text().splitlines():
        if line.startswith("#") or "=" not in line:
            continue
        variable, tag = line.split("=", 1)
        if not local(tag) and not pull(tag):
            try:
                made, why = make_stand_in(tree, variable, tag), "nothing stands in for it"
            except RuntimeError as e:
                made, why = False, f"its stand-in cannot be made: {e}"
            if not made:
                report.skip(tag, f"cannot be pulled here, and {why}")
                continue
        labels = inspect(tag, kind="image")["Config"].get("Labels") or {}
        say(f"     {tag}: {'stand-in from packages' if 'demeter.standin' in labels else 'upstream image'}")
        have[variable] = tag
    return have
