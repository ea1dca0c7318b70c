# SPDX-License-Identifier: Apache-2.0
"""The image: how it is made, what is in it, how it starts and ends (deployment.md 2, 8)."""
import datetime
import json
import os
import re
import secrets
import tarfile
import time

from engine import BASE, inspect, say, sh, wait_for

IMAGE, WITH_MODELS = "demeter:test", "demeter:test-models"
SIZE_MAX_MB, LAYERS_MAX, CONTEXT_MAX_MIB, REBUILD_MAX_S, HEALTHY_MAX_S = 100, 8, 5, 30, 1
LABELS = ("title", "description", "version", "revision", "created", "source", "documentation", "licenses", "vendor", "base.name")
# What no image of ours holds, wherever it lies.
UNWANTED = re.compile(r"(^|/)(sh|bash|dash|busybox|apt|apt-get|dpkg|perl|python3?[^/]*|gcc|cc|curl|wget)$"
                      r"|\.(a|h|pyc|debug)$|(^|/)\.env|planted|/share/(man|locale)/")
LOCKED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp:size=64m",
          "--tmpfs", "/run/demeter:uid=1000,gid=1000,mode=0755")


def build(tree, tag, **arguments):
    """Seconds it took. The time of the commit makes two builds of one tree equal."""
    values = {"BASE_IMAGE": BASE, "VCS_REF": "0123abc", "BUILD_DATE": "2026-01-02T03:04:05Z", "SOURCE_DATE_EPOCH": "1767322800",
              "SOURCE_URL": "https://example.org/demeter", **arguments}
    secret = ["--secret", f"id=ca,src={os.environ['BUILD_CA']}"] if os.environ.get("BUILD_CA") else []
    begin = time.monotonic()
    sh("docker", "build", "-q", "-t", tag, *secret,
              *(x for k, v in values.items() for x in ("--build-arg", f"{k}={v}")), ".", cwd=tree, timeout=5400,
              env={**os.environ, "DOCKER_BUILDKIT": "1"})
    return time.monotonic() - begin


def context_mb(tree):
    """What .dockerignore lets through: as BuildKit sends only what changed, an image of all of it is weighed."""
    sh("docker", "build", "-q", "-t", "demeter:test-context", "-f", "-", ".", cwd=tree, input="FROM scratch\nCOPY . /\n")
    size = inspect("demeter:test-context", kind="image")["Size"] / 1e6
    sh("docker", "rmi", "demeter:test-context", check=False)
    return size


def files(tag, folder):
    """Every file of an image: {path: size}, and the tar it came from."""
    container = sh("docker", "create", tag).stdout.strip()
    path = folder / "image.tar"
    sh("docker", "export", "-o", path, container)
    sh("docker", "rm", container)
    with tarfile.open(path) as tar:
        return {m.name: m.size for m in tar if m.isfile()}, path


def contents(tree, report):
    found, path = files(IMAGE, tree.parent)
    bad = [name for name in found if UNWANTED.search(name)]
    report.check("no shell, compiler, package manager, secret or header inside", not bad, ", ".join(bad[:5]))
    largest = sorted(found.items(), key=lambda x: -x[1])[:8]
    for name, size in largest:
        say(f"     {size / 1e6:6.1f} MB  {name}")
    report.measured["largest files, MB"] = {name: round(size / 1e6, 1) for name, size in largest}
    with tarfile.open(path) as tar:
        sbom = json.load(tar.extractfile("usr/share/demeter/sbom.spdx.json"))
        users = tar.extractfile("etc/passwd").read().decode()
    names = {p["name"] for p in sbom["packages"]}
    report.check("the parts list is SPDX 2.3 and names what is linked",
                 sbom["spdxVersion"] == "SPDX-2.3" and {"demeter", "libdnnl2", "libssl3", "libheif1", "preact"} <= names, f"{len(names)} parts")
    report.check("one user, without a login shell", users.count("\n") == 1 and ":1000:1000:" in users and "nonexistent" in users)
    objects = [n for n in found if re.search(r"\.so(\.|$)", n)]
    licences = [n for n in found if n.endswith("/copyright")]
    report.check("licences of the libraries lie beside them", len(licences) > 40, f"{len(objects)} libraries, {len(licences)} licence files")


def metadata(report):
    image = inspect(IMAGE, kind="image")
    config = image["Config"]
    report.measure("image size", round(image["Size"] / 1e6, 1), "MB", SIZE_MAX_MB)
    report.measure("image layers", len(image["RootFS"]["Layers"]), "", LAYERS_MAX)
    report.check("user 1000:1000", config["User"] == "1000:1000", config["User"])
    report.check("init and exec form", config["Entrypoint"] == ["/usr/bin/tini", "--"] and config["Cmd"][:2] == ["demeter", "serve"])
    health = config.get("Healthcheck", {})
    report.check("HEALTHCHECK 30s 3s 40s 3", [health.get(k, 0) for k in ("Interval", "Timeout", "StartPeriod", "Retries")] ==
                 [30_000_000_000, 3_000_000_000, 40_000_000_000, 3] and health.get("Test") == ["CMD", "demeter", "healthcheck"])
    labels = config.get("Labels") or {}
    missing = [k for k in LABELS if labels.get(f"org.opencontainers.image.{k}", "unknown") in ("", "unknown")]
    report.check("OCI labels", not missing, ", ".join(missing))


def instant(text):
    """Of docker's nanoseconds, in whatever zone: datetime takes six digits."""
    return datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text).replace("Z", "+00:00"))


def start_once(name):
    """Seconds from the start of the container to the end of the first probe that was answered, as docker wrote
    them down, everything locked down; None: never."""
    sh("docker", "rm", "-fv", name, check=False)
    sh("docker", "create", "--name", name, *LOCKED, "-v", "/var/lib/demeter", "--health-interval", "50ms",
       "-e", f"JWT_SECRET={secrets.token_hex(32)}", "-e", "DATABASE_URL=sqlite:/var/lib/demeter/demeter.db", IMAGE,
       "demeter", "serve", "--host", "0.0.0.0", "--workers", "0")
    sh("docker", "start", name)
    if not wait_for(lambda: inspect(name)["State"]["Health"]["Status"] == "healthy", 20, 0.02):
        return None
    state = inspect(name)["State"]
    probes = [p["End"] for p in state["Health"]["Log"] if p["ExitCode"] == 0]
    return (instant(min(probes)) - instant(state["StartedAt"])).total_seconds()


def start(report):
    """A bare start on SQLite, then a signal. The best of three: others may use this machine."""
    name = "demeter-test-start"
    try:
        times = [start_once(name) for _ in range(3)]
        good = None not in times
        report.check("starts with a read-only root and no capability", good, "" if good else sh("docker", "logs", name).stderr[-300:])
        if good:
            report.measure("container start to reported healthy", round(min(times), 2), "s", HEALTHY_MAX_S)
        report.check("no shell can be had", sh("docker", "exec", name, "sh", "-c", "true", check=False).returncode != 0)
        wrote = sh("docker", "exec", name, "demeter", "model", "install", "--model-dir", "/usr/share/demeter", "--name", "x.onnx",
                   "/usr/share/demeter/LICENSE", check=False)
        report.check("the root cannot be written", wrote.returncode != 0)
        page = sh("docker", "run", "--rm", "--network", f"container:{name}", IMAGE, "demeter", "api", "GET", "/manifest.webmanifest", check=False)
        report.check("the page is inside", "start_url" in page.stdout, page.stderr[-200:])
        begin = time.monotonic()
        sh("docker", "stop", "-t", "20", name)
        code = inspect(name)["State"]["ExitCode"]
        report.check("SIGTERM ends it in order", code == 0, f"exit {code} after {time.monotonic() - begin:.2f} s")
    finally:
        sh("docker", "rm", "-fv", name, check=False)
    bare = sh("docker", "run", "--rm", "--entrypoint", "sh", IMAGE, "-c", "true", check=False)
    report.check("--entrypoint sh fails", bare.returncode != 0)


def models(tree, report):
    sh("docker", "build", "-q", "-f", "Dockerfile.models", "--build-arg", f"DEMETER_IMAGE={IMAGE}", "-t", WITH_MODELS, ".", cwd=tree)
    size = inspect(WITH_MODELS, kind="image")["Size"] / 1e6
    report.measure("image size with models", round(size, 1), "MB", SIZE_MAX_MB)
    report.measure("layers with models", len(inspect(WITH_MODELS, kind="image")["RootFS"]["Layers"]), "", LAYERS_MAX)
    verified = sh("docker", "run", "--rm", *LOCKED, WITH_MODELS, "demeter", "model", "verify", check=False)
    report.check("models inside match their checksums", verified.returncode == 0, (verified.stdout + verified.stderr).strip()[-200:])


def rebuild(tree, report):
    """One line of code changed; the same tree twice gives the same root."""
    source = tree / "src/cmd/version.c"
    before = source.read_text()
    source.write_text(before + "/* a line more */\n")
    took = build(tree, "demeter:test-rebuild")
    report.measure("rebuild after a change of one line", round(took, 1), "s", REBUILD_MAX_S)
    source.write_text(before)
    took = build(tree, "demeter:test-rebuild")
    report.measure("rebuild of the first state", round(took, 1), "s")
    same = [inspect(t, kind="image")["RootFS"]["Layers"] for t in (IMAGE, "demeter:test-rebuild")]
    report.check("the same tree gives the same root", same[0] == same[1])
    sh("docker", "rmi", "demeter:test-rebuild", check=False)


def run(tree, _versions, report):
    (tree / ".env").write_text("POSTGRES_PASSWORD=planted\n")
    (tree / "src/planted.pem").write_text("planted\n")
    took = build(tree, IMAGE)
    report.measure("build", round(took, 1), "s")
    report.measure("build context", round(context_mb(tree) / 1.048576, 2), "MiB", CONTEXT_MAX_MIB)
    (tree / ".env").unlink()
    (tree / "src/planted.pem").unlink()
    report.attempt("metadata", metadata, report)
    report.attempt("contents", contents, tree, report)
    report.attempt("start", start, report)
    report.attempt("models", models, tree, report)
    report.attempt("rebuild", rebuild, tree, report)
