# SPDX-License-Identifier: Apache-2.0
"""Both stacks, up for real: health, limits, hardening, a photo from the proxy to the books, its trace,
what the boards show, restarts that lose nothing."""
import json
import os
import pathlib
import re
import secrets
import threading
import time

import client
import numbers_of_seed as seed
from engine import inspect, say, sh, wait_for
from image import BASE, IMAGE
from sink import Sink

OURS = ("api", "worker-cpu", "worker-io", "monitor", "backup")
PORTS = {"DB_PORT": 15432, "DB_TEST_PORT": 15434, "REDIS_PORT": 16379, "API_PORT": 18000, "MONITOR_PORT": 15555,
         "PROMETHEUS_PORT": 19090, "GRAFANA_PORT": 13000, "ALERTMANAGER_PORT": 19093, "OTLP_GRPC_PORT": 14317,
         "OTLP_HTTP_PORT": 14318, "OTELCOL_METRICS_PORT": 18888, "PROXY_HTTP_PORT": 18080, "PROXY_HTTPS_PORT": 18443}
NGINX_PORT = 18444
ADMIN, PASSWORD = "deploy@example.org", "Una-clave-2026-ok"
UP_S = 300
KEPT = ("users", "images", "photo_processing_sessions", "detections", "stock_movements", "stock_batches", "jobs", "upload_batches")


class Stack:
    """A compose project of the tree."""

    def __init__(self, tree, project, files, profiles, env):
        self.tree, self.project, self.files, self.profiles = tree, project, files, profiles
        self.env = {k: v for k, v in os.environ.items() if not re.match(r"(POSTGRES|REDIS|AWS|AUTH0|FLOWER|GRAFANA|OTEL|JWT)_", k)}
        self.env |= {"DEMETER_IMAGE": IMAGE, "BASE_IMAGE": BASE, **{k: str(v) for k, v in PORTS.items()}, **env}

    def compose(self, *args, check=True, timeout=900, **more):
        files = [x for f in self.files for x in ("-f", f)]
        profiles = [x for p in self.profiles for x in ("--profile", p)]
        return sh("docker", "compose", "-p", self.project, *files, *profiles, *args, check=check, timeout=timeout,
                  cwd=self.tree, env=self.env, **more)

    def config(self):
        return json.loads(self.compose("config", "--format", "json").stdout)

    def container(self, service):
        return self.compose("ps", "-aq", service).stdout.split()[0]

    def inspect(self, service):
        return inspect(self.container(service))

    def services(self):
        return self.compose("config", "--services").stdout.split()

    def sql(self, query):
        c = self.config()["services"]["db"]["environment"]
        return self.compose("exec", "-T", "db", "psql", "-U", c["POSTGRES_USER"], "-d", c["POSTGRES_DB"], "-AtF", " ", "-c", query).stdout

    def rows(self):
        return {t: int(self.sql(f"SELECT count(*) FROM {t}")) for t in KEPT}

    def down(self):
        if not os.environ.get("KEEP"):
            self.compose("down", "-v", "--remove-orphans", "-t", "10", check=False)

    def logs(self, service, lines=30):
        return self.compose("logs", "--no-color", "--tail", str(lines), service, check=False).stdout


def up(stack, services, report):
    """All services up and healthy; what does not come up is named with its last words."""
    begin = time.monotonic()
    done = stack.compose("up", "-d", *services, check=False)
    if not report.check("docker compose up", done.returncode == 0, done.stderr[-1500:] if done.returncode else ""):
        raise RuntimeError("the stack did not come up")
    waiting = set(services)

    def settled():
        for service in list(waiting):
            state = stack.inspect(service)["State"]
            health = state.get("Health", {}).get("Status", "healthy" if state["Running"] else state["Status"])
            if health == "healthy" or (not state["Running"] and state["ExitCode"] == 0):
                waiting.discard(service)
        return not waiting

    wait_for(settled, UP_S, 0.5)
    for service in services:
        report.check(f"{service} is healthy or done", service not in waiting, stack.logs(service) if service in waiting else "")
    report.measure(f"{stack.project}: all services reported healthy after", round(time.monotonic() - begin, 1), "s")


# ---- what docker says of the containers ---------------------------------------------------------

def shape(stack, services, report):
    """Limits, hardening, log rotation and addresses of every running container."""
    config = stack.config()["services"]
    for service in services:
        c = stack.inspect(service)
        host, wanted = c["HostConfig"], config[service]
        report.check(f"{service}: CPU and memory limited as configured",
                     host["NanoCpus"] == round(float(wanted.get("cpus", 0)) * 1e9) > 0 and host["Memory"] == int(wanted["mem_limit"]) > 0,
                     f"{host['NanoCpus'] / 1e9:g} CPU, {host['Memory'] / 2**20:g} MiB")
        log = host["LogConfig"]
        report.check(f"{service}: logs rotate", log["Type"] == "json-file" and log["Config"].get("compress") == "true" and "max-size" in log["Config"])
        open_ports = [f"{b['HostIp']}:{b['HostPort']}" for bound in (host["PortBindings"] or {}).values() for b in bound or []
                      if b["HostIp"] not in ("127.0.0.1", "::1")]
        report.check(f"{service}: bound to loopback", service == "proxy" or not open_ports, ", ".join(open_ports))
        if wanted["image"] == IMAGE:
            report.check(f"{service}: 1000:1000, read-only, no capability, no new privilege, bounded processes",
                         c["Config"]["User"] == "1000:1000" and host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
                         and "no-new-privileges:true" in host["SecurityOpt"] and host["PidsLimit"] > 0)
            if c["State"]["Running"]:
                uids = set(sh("docker", "top", c["Id"], "-eo", "uid,pid").stdout.split()[2::2])
                report.check(f"{service}: its processes run as 1000", uids == {"1000"}, uids)


def seed_numbers(stack, report):
    """The limits of the seed are the defaults: what compose makes of the files without small.env."""
    config = stack.config()["services"]
    for service, (cpus, memory, reserved_cpus, reserved) in seed.PROD.items():
        s = config[service]
        got = (float(s["cpus"]), int(s["mem_limit"]), int(s["mem_reservation"]), int(s["cpu_shares"]))
        want = (cpus, memory, reserved, max(102, int(1024 * reserved_cpus)))
        report.check(f"{service}: limits and reservations of the seed", got == want, got if got != want else "")
    options = " ".join(config["db"]["command"])
    report.check("db: tuning of the seed", all(o in options for o in seed.PROD_DB), options)


def limits_felt(stack, report):
    """The engine holds the limits: a count that needs more memory is killed, one that wants more CPU waits."""
    photos = f"{stack.tree}/examples:/photos:ro"
    name = f"{stack.project}-hog"
    count = ["worker-cpu", "demeter", "count", "--model-detect", "/models-source/plants-detect.onnx", "/photos/bench-12mp.jpg"]
    run = ["run", "-d", "--no-deps", "--name", name, "-v", photos, "-v", f"{stack.tree}/models:/models-source:ro"]
    # The reservation may not be above the limit.
    (stack.tree / "tight.yml").write_text("services: {worker-cpu: {mem_limit: 48M, mem_reservation: 16M}}\n")
    Stack(stack.tree, stack.project, [*stack.files, "tight.yml"], stack.profiles, stack.env).compose(*run, *count)
    try:
        state = wait_for(lambda: (lambda s: not s["Running"] and s)(inspect(name)["State"]), 120)
        report.check("memory limit is enforced: 48M is killed", state and (state["OOMKilled"] or state["ExitCode"] == 137),
                     f"OOMKilled {state and state['OOMKilled']}, exit {state and state['ExitCode']}")
    finally:
        sh("docker", "rm", "-f", name, check=False)
    slow = Stack(stack.tree, stack.project, stack.files, stack.profiles, {**stack.env, "WORKER_CPU_CPUS": "0.25"})
    slow.compose(*run, *count)
    try:
        used = []
        for _ in range(4):
            row = sh("docker", "stats", "--no-stream", "--format", "{{.CPUPerc}}", name, check=False).stdout.strip().rstrip("%")
            used += [float(row)] if row and inspect(name)["State"]["Running"] else []
        report.check("CPU limit is enforced: 0.25 of a core", used and max(used) <= 32 and max(used) > 5, f"{used} %")
    finally:
        sh("docker", "rm", "-f", name, check=False)


def exposed(stack, report, allowed):
    """check-exposed finds nothing new: what listened before the stack is none of ours."""
    done = sh(stack.tree / "deploy/scripts/check-exposed", *map(str, allowed), check=False)
    ours = [line for line in done.stdout.splitlines() if any(line.endswith(f":{p}") for p in PORTS.values())]
    report.check("check-exposed: nothing of ours listens outside", not ours, "; ".join(ours))


# ---- what people do -----------------------------------------------------------------------------

def sign_in(stack, base, ca=None):
    stack.compose("exec", "-T", "api", "demeter", "user", "add", ADMIN, "--first-name", "De", "--last-name", "Ploy", "--role", "admin",
                  input=PASSWORD + "\n", check=False)
    http = client.Client(base, ca)
    http.token = http.json("POST", "/api/v1/auth/login", {"email": ADMIN, "password": PASSWORD})["access_token"]
    return http


def count_photo(stack, http, report, name, path=None):
    """Uploads a photo and waits for its count; the session's id."""
    data = pathlib.Path(path or stack.tree / "examples/bench.jpg").read_bytes()
    status, body = http.upload("/api/v1/photos/upload", "files", f"{name}-{secrets.token_hex(4)}.jpg", data + secrets.token_bytes(8))
    if not report.check(f"{name}: a photo is taken", status == 202, f"{status} {str(body)[:300] if status != 202 else ''}"):
        return None
    poll = body["poll_url"]

    def ended():
        answer = http.json("GET", poll)
        states = [j["status"] for j in answer["jobs"]]
        return answer if states and not {"pending", "processing"} & set(states) else None

    begin = time.monotonic()
    answer = wait_for(ended, 240, 0.5)
    jobs = answer["jobs"] if answer else http.json("GET", poll)["jobs"]
    result = jobs[0].get("result") or {}
    good = jobs[0]["status"].startswith("completed")
    report.check(f"{name}: it is counted", good, f"{time.monotonic() - begin:.1f} s, {json.dumps(result if good else jobs[0])[:300]}")
    return jobs[0]["image_id"]


def restarts(stack, http, report, services):
    """Each service is killed and comes back; rows, photos and sessions are as before."""
    before = stack.rows()
    for service in services:
        stack.compose("kill", "-s", "KILL", service)
        stack.compose("up", "-d", "--no-deps", "--no-recreate", service)
        back = wait_for(lambda s=service: (lambda st: st["Running"] and st.get("Health", {"Status": "healthy"})["Status"] == "healthy")
                        (stack.inspect(s)["State"]), UP_S, 0.5)
        report.check(f"{service}: killed, comes back", back, "" if back else stack.logs(service))
    wait_for(lambda: http.status("GET", "/health/ready") == 200, 60)
    after = stack.rows()
    report.check("kills of every service lose no row", before == after, after if before != after else before)
    report.check("a token outlives the restarts", http.status("GET", "/api/v1/auth/me") == 200)


def flush_redis(stack, http, report):
    """Redis forgets everything while photos wait: every one is counted, none twice."""
    before = int(stack.sql("SELECT count(*) FROM images"))
    ids = []
    for i in range(6):
        data = (stack.tree / "examples/plugs.jpg").read_bytes() + secrets.token_bytes(8)
        status, body = http.upload("/api/v1/photos/upload", "files", f"flush-{i}.jpg", data)
        ids += [body["jobs"][0]["image_id"]] if status == 202 else []
    password = stack.config()["services"]["redis"].get("environment", {}).get("REDISCLI_AUTH")
    stack.compose("exec", "-T", *(["-e", f"REDISCLI_AUTH={password}"] if password else []), "redis", "redis-cli", "FLUSHALL")
    open_jobs = "SELECT count(*) FROM jobs WHERE finished_at IS NULL"
    wait_for(lambda: int(stack.sql(open_jobs)) == 0, 300, 1)
    counted = "SELECT count(*), count(DISTINCT image_id) FROM photo_processing_sessions WHERE status = 'completed'"
    sessions, images = map(int, stack.sql(counted).split())
    report.check("FLUSHALL while photos wait: each is counted once", len(ids) == 6 and sessions == images == before + 6
                 and int(stack.sql(open_jobs)) == 0, f"{len(ids)} taken, {sessions} counts of {images} photos, {stack.sql(open_jobs).strip()} jobs open")


def drains(stack, report, base, ca):
    """A request that is half sent when SIGTERM comes is answered; a photo at work is finished or handed back."""
    http = sign_in(stack, base, ca)
    data = (stack.tree / "examples/crates.jpg").read_bytes() + secrets.token_bytes(8)
    slow = client.SlowUpload(http, "/api/v1/photos/upload", "drain.jpg", data)
    slow.first_half()
    grace = stack.config()["services"]["api"]["stop_grace_period"]
    stopper = threading.Thread(target=stack.compose, args=("stop", "api"))
    stopper.start()
    time.sleep(1.5)
    status = slow.second_half()
    stopper.join()
    report.check("api drains: the upload under way is answered", status == 202, status)
    report.check("api drains: exit 0", stack.inspect("api")["State"]["ExitCode"] == 0, f"grace {grace}")
    stack.compose("stop", "worker-cpu", "worker-io")
    for worker in ("worker-cpu", "worker-io"):
        report.check(f"{worker} drains: exit 0", stack.inspect(worker)["State"]["ExitCode"] == 0)
    running = stack.sql("SELECT count(*) FROM jobs WHERE status = 'processing'").strip()
    report.check("nothing is left half done", running == "0", running)
    stack.compose("start", "api", "worker-cpu", "worker-io")
    done = wait_for(lambda: stack.sql("SELECT count(*) FROM jobs WHERE finished_at IS NULL").strip() == "0", 240, 1)
    report.check("what was handed back is done after the start", done)


def monitor(stack, report):
    base = f"http://127.0.0.1:{PORTS['MONITOR_PORT']}"
    env = stack.config()["services"]["monitor"]["environment"]
    http = client.Client(base)
    report.check("monitor asks for a password", http.status("GET", "/flower/") == 401)
    http.basic = (env["FLOWER_USER"], env["FLOWER_PASSWORD"])
    report.check("monitor shows its page to who knows it", http.status("GET", "/flower/") == 200)


def idle_memory(stack, services, report):
    ids = {stack.container(s): s for s in services}
    used = {}
    for line in sh("docker", "stats", "--no-stream", "--format", "{{.ID}} {{.MemUsage}} {{.CPUPerc}}", *ids).stdout.splitlines():
        short, amount, _, _, cpu = line.split()
        number, unit = re.match(r"([\d.]+)(\w+)", amount).groups()
        used[next(s for i, s in ids.items() if i.startswith(short))] = float(number) * {"B": 1e-6, "KiB": 1.024e-3, "MiB": 1.049, "GiB": 1074}[unit]
        say(f"     {amount:>10} {cpu:>7}  {next(s for i, s in ids.items() if i.startswith(short))}")
    ours = sum(v for s, v in used.items() if s in OURS)
    report.measured[f"{stack.project}: idle memory by service, MB"] = {k: round(v, 1) for k, v in sorted(used.items())}
    report.measure(f"{stack.project}: idle memory of our own services", round(ours), "MB")
    report.measure(f"{stack.project}: idle memory, all services (seed: 7,800 MB)", round(sum(used.values())), "MB", 7800)


# ---- what is watched ----------------------------------------------------------------------------

def targets(report, prometheus, services):
    def down():
        found = prometheus.json("GET", "/api/v1/targets?state=active")["data"]["activeTargets"]
        pools = {t["scrapePool"] for t in found if t["health"] == "up"}
        return [] if {"demeter-api", "demeter-worker", "demeter-monitor"} <= pools else \
            [f"{t['scrapePool']} {t['scrapeUrl']}: {t['health']} {t['lastError']}" for t in found if t["health"] != "up"] or ["none"]

    wait_for(lambda: not down(), 60, 1)
    wrong = [d for d in down() if not d.startswith("otel") or "otel-collector" in services]
    report.check("Prometheus scrapes api, workers and monitor", not wrong, "; ".join(wrong))


def boards(stack, report, prometheus):
    """Every expression of every board is answered with at least one series."""
    queries = [q for q in sh(stack.tree / "deploy/grafana/boards.py", "--queries").stdout.splitlines() if q]

    def empty():
        return [q for q in queries if not prometheus.query(q)]

    wait_for(lambda: not empty(), 120, 5)
    silent = empty()
    for q in silent:
        say(f"     no data: {q}")
    report.check("every query of the boards returns data", not silent, f"{len(queries) - len(silent)} of {len(queries)}")


def rules(report, prometheus):
    groups = prometheus.json("GET", "/api/v1/rules")["data"]["groups"]
    wrong = [r["name"] for g in groups for r in g["rules"] if r["health"] not in ("ok", "unknown")]
    report.check("Prometheus evaluates every rule", groups and not wrong, ", ".join(wrong) or f"{sum(len(g['rules']) for g in groups)} rules")


def trace(report, sink):
    """One trace from the request through the queue to the worker and the database."""
    def whole():
        for spans in sink.traces().values():
            services = {s["service"] for s in spans}
            names = {s["name"] for s in spans}
            if {"demeterai-api", "demeterai-celery-cpu"} <= services and any("upload" in n for n in names):
                return services, names
        return None

    found = wait_for(whole, 60, 1)
    seen = sorted({s["service"] for spans in sink.traces().values() for s in spans})
    report.check("one trace from upload to worker", found, f"{len(found[1])} kinds of spans: {', '.join(sorted(found[1]))[:300]}" if found
                 else f"{len(sink.traces())} traces of {seen}")


# ---- disaster -----------------------------------------------------------------------------------

def drill(stack, http, report):
    """Backup, destruction of database and photographs, restore: equal rows, sound books, photographs there."""
    made = stack.compose("exec", "-T", "backup", "demeter", "backup", "create", check=False)
    report.check("backup is made", made.returncode == 0, (made.stdout + made.stderr)[-300:])
    proved = stack.compose("exec", "-T", "backup", "demeter", "backup", "verify", check=False)
    report.check("backup is read back", proved.returncode == 0, (proved.stdout + proved.stderr)[-300:] if proved.returncode else "")
    before = stack.rows()
    image = stack.sql("SELECT uuid FROM images ORDER BY id LIMIT 1").strip()
    photo = http.request("GET", f"/api/v1/photos/{image}/file")[2]
    users = ["api", "worker-cpu", "worker-io", "monitor", "backup", "models", "migrate"]
    stack.compose("rm", "-sf", *users)
    sh("docker", "volume", "rm", f"{stack.project}_photos")
    stack.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    begin = time.monotonic()
    back = stack.compose("run", "--rm", "--no-deps", "-T", "-e", "BACKUP_URL=dir:/backups", "-v", f"{stack.project}_backups:/backups", "api",
                         "demeter", "backup", "restore", check=False)
    report.check("restore after database and photographs are gone", back.returncode == 0, (back.stdout + back.stderr)[-400:])
    stack.compose("up", "-d", *(s for s in users if s not in ("models", "migrate")))
    wait_for(lambda: http.status("GET", "/health/ready") == 200, 120)
    report.measure("minutes from nothing to ready", round((time.monotonic() - begin) / 60, 1), "min")
    after = stack.rows()
    report.check("restore: as many rows as before", before == after, after if before != after else before)
    verified = stack.compose("exec", "-T", "api", "demeter", "verify", check=False)
    report.check("restore: the books verify", verified.returncode == 0, verified.stdout.strip()[-80:])
    again = http.request("GET", f"/api/v1/photos/{image}/file")[2]
    report.check("restore: a photograph is the same", photo == again and len(photo) > 10_000, f"{len(photo)} bytes")


# ---- the two stacks -----------------------------------------------------------------------------

def run_dev(tree, versions, report):
    stack = Stack(tree, "demeter-test-dev", ["docker-compose.yml"], [], versions)
    services = ["db", "redis", "migrate", "models", "api", "worker-cpu", "worker-io", "monitor"]
    base = f"http://127.0.0.1:{PORTS['API_PORT']}"
    try:
        built = stack.compose("build", check=False, timeout=5400)
        report.check("docker compose build", built.returncode == 0, built.stderr[-500:] if built.returncode else "")
        up(stack, services, report)
        report.attempt("shape", shape, stack, services, report)
        report.check("db: tuning reaches the server", stack.sql("SHOW shared_buffers").strip() == "256MB")
        http = report.attempt("sign-in", sign_in, stack, base)
        if http:
            report.attempt("photo", count_photo, stack, http, report, "dev")
        report.attempt("monitor", monitor, stack, report)
        report.attempt("limits", limits_felt, stack, report)
        idle_memory(stack, [s for s in services if s not in ("migrate", "models")], report)
    finally:
        stack.down()


def production_env(tree, versions):
    """What an operator does: init-env, small.env for a small host, the versions."""
    sh(tree / "deploy/scripts/init-env", cwd=tree)
    secrets_of = tree / "deploy/alertmanager/secrets"
    secrets_of.mkdir()
    (secrets_of / "webhook_url").write_text("http://127.0.0.1:9/\n")
    labels = inspect(versions["ALERTMANAGER_IMAGE"], kind="image")["Config"].get("Labels") or {}
    if "demeter.standin" in labels:
        config = tree / "deploy/alertmanager/alertmanager.yml"
        config.write_text(re.sub(r"url_file: \S+.*", "url: http://127.0.0.1:9/", config.read_text()))
        say("     alertmanager: the stand-in is older than url_file; the address is written into its configuration")
    more = {**versions, **{k: str(v) for k, v in PORTS.items()}, "DEMETER_IMAGE": IMAGE, "OTEL_TRACES_SAMPLER_ARG": "1.0", "LOG_LEVEL": "INFO",
            "PUBLIC_BASE_URL": f"https://localhost:{PORTS['PROXY_HTTPS_PORT']}"}
    if (os.cpu_count() or 1) < 6:
        more |= dict(line.split("=", 1) for line in (tree / "deploy/compose/small.env").read_text().splitlines() if "=" in line and line[0] != "#")
    return more


def refusals(tree, versions, report):
    """A production stack without a password, or with a placeholder, does not start."""
    whole = (tree / ".env.production").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "FLOWER_PASSWORD", "GRAFANA_ADMIN_PASSWORD"):
        (tree / ".env.production").write_text(re.sub(rf"^{name}=.*\n", "", whole, flags=re.M))
        said = Stack(tree, "demeter-test-no", ["docker-compose.prod.yml"], [], versions).compose("config", "-q", check=False)
        report.check(f"refused without {name}", said.returncode != 0 and name in said.stderr, said.stderr.strip()[-120:])
    (tree / ".env.production").write_text(whole)
    placeholder = sh("docker", "run", "--rm", "-e", "APP_ENV=production", "-e", "JWT_SECRET=changeme", "-e", "POSTGRES_PASSWORD=password",
                     "-e", "POSTGRES_HOST=db", IMAGE, "demeter", "serve", check=False)
    report.check("refused with placeholders", placeholder.returncode == 5 and "JWT_SECRET" in placeholder.stderr, placeholder.stderr.strip()[-160:])


def proxied(stack, report, sink_port):
    """Through Caddy, with its own authority's certificate checked."""
    ca = stack.tree.parent / "caddy.crt"
    root = "/data/caddy/pki/authorities/local/root.crt"
    wait_for(lambda: sh("docker", "cp", f"{stack.container('proxy')}:{root}", ca, check=False).returncode == 0, 30)
    base = f"https://localhost:{PORTS['PROXY_HTTPS_PORT']}"
    http = sign_in(stack, base, ca)
    report.check("proxy: the page over TLS", http.status("GET", "/") == 200)
    report.check("proxy: metrics, monitor and boards are hidden",
                 [http.status("GET", p) for p in ("/metrics", "/flower/", "/grafana/")] == [404] * 3)
    report.check("proxy: HSTS", "max-age" in (http.headers("/health").get("Strict-Transport-Security") or ""))
    return http, base, ca


def nginx(stack, report, image):
    """The same through nginx: its configuration as it is, a certificate for an hour."""
    tls, name = stack.tree.parent / "tls", f"{stack.project}-nginx"
    tls.mkdir(exist_ok=True)
    sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=localhost",
       "-addext", "subjectAltName=DNS:localhost", "-keyout", tls / "privkey.pem", "-out", tls / "fullchain.pem")
    try:
        sh("docker", "run", "-d", "--name", name, "--network", f"{stack.project}_demeterai-network-prod", "-p", f"127.0.0.1:{NGINX_PORT}:443",
           "-v", f"{stack.tree}/deploy/proxy/nginx.conf:/etc/nginx/nginx.conf:ro", "-v", f"{tls}:/etc/nginx/tls:ro", image)
        base = f"https://localhost:{NGINX_PORT}"
        http = client.Client(base, tls / "fullchain.pem")
        wait_for(lambda: not isinstance(quiet(http.status, "GET", "/health"), Exception), 20)
        report.check("nginx: its configuration is valid", sh("docker", "exec", name, "nginx", "-t", check=False).returncode == 0)
        http = sign_in(stack, base, tls / "fullchain.pem")
        report.check("nginx: metrics, monitor and boards are hidden",
                     [http.status("GET", p) for p in ("/metrics", "/flower/", "/grafana/")] == [404] * 3)
        count_photo(stack, http, report, "nginx")
    finally:
        sh("docker", "rm", "-f", name, check=False)


def quiet(action, *args):
    """The answer, or the fault that came instead."""
    try:
        return action(*args)
    except OSError as e:
        return e


def no_gap(stack, report, base, ca):
    """The API is replaced while somebody asks all the time: the proxy holds the requests, none fails."""
    failed, stop = [], threading.Event()
    http = client.Client(base, ca)

    def ask():
        while not stop.is_set():
            try:
                status = http.status("GET", "/health")
            except OSError as e:
                status = str(e)
            if status != 200:
                failed.append(status)
            time.sleep(0.02)

    asker = threading.Thread(target=ask)
    asker.start()
    stack.compose("restart", "api")
    time.sleep(2)
    stop.set()
    asker.join()
    report.check("a restart of the API behind the proxy fails no request", not failed, f"{len(failed)} failed {failed[:3]}")


def run_prod(tree, versions, report):
    more = production_env(tree, versions)
    seeds = Stack(tree, "demeter-test-prod", ["docker-compose.prod.yml"], [], versions)
    report.attempt("seed", seed_numbers, seeds, report)
    report.attempt("refusals", refusals, tree, versions, report)
    with Sink() as sink:
        profiles = ["proxy", "alerting", "backup"]
        (tree / "sink.yml").write_text(
            "services:\n  otel-collector:\n    command: [--config=/etc/otel-collector-config.yaml, --config=/etc/otel-upstream.yaml, --config=/etc/sink.yaml]\n"
            "    extra_hosts: ['sink:host-gateway']\n    volumes:\n      - ./deploy/otel/upstream.yaml:/etc/otel-upstream.yaml:ro\n      - ./sink.yaml:/etc/sink.yaml:ro\n")
        (tree / "sink.yaml").write_text("exporters: {otlphttp: {encoding: json, compression: none}}\n")
        collector = "OTELCOL_IMAGE" in versions
        files = ["docker-compose.prod.yml"] + (["sink.yml"] if collector else [])
        stack = Stack(tree, "demeter-test-prod", files, profiles, {**more, "OTLP_UPSTREAM": f"http://sink:{sink.port}"})
        images = stack.config()["services"]
        services = [s for s in images if s not in seed.IMAGES or seed.IMAGES[s] in versions]
        if sh("docker", "run", "--rm", IMAGE, "demeter", "backup", "--help", check=False).returncode:
            report.skip("backup", "this program has no such command yet")
            services.remove("backup")
        try:
            up(stack, services, report)
            report.attempt("shape", shape, stack, services, report)
            report.attempt("exposed", exposed, stack, report, [PORTS["PROXY_HTTP_PORT"], PORTS["PROXY_HTTPS_PORT"]])
            http, base, ca = proxied(stack, report, sink.port)
            report.attempt("photo", count_photo, stack, http, report, "prod")
            if "NGINX_IMAGE" in versions:
                report.attempt("nginx", nginx, stack, report, versions["NGINX_IMAGE"])
            prometheus = client.Prometheus(f"http://127.0.0.1:{PORTS['PROMETHEUS_PORT']}")
            report.attempt("targets", targets, report, prometheus, services)
            if collector:
                report.attempt("trace", trace, report, sink)
            report.attempt("rules", rules, report, prometheus)
            report.attempt("monitor", monitor, stack, report)
            report.attempt("idle", idle_memory, stack, [s for s in services if s not in ("migrate", "models")], report)
            report.attempt("boards", boards, stack, report, prometheus)
            report.attempt("flush", flush_redis, stack, http, report)
            report.attempt("no gap", no_gap, stack, report, base, ca)
            report.attempt("drains", drains, stack, report, f"http://127.0.0.1:{PORTS['API_PORT']}", None)
            report.attempt("restarts", restarts, stack, http, report, [s for s in services if s not in ("migrate", "models")])
            if "backup" in services:
                report.attempt("drill", drill, stack, http, report)
            report.attempt("photo after restarts", count_photo, stack, http, report, "after the restarts")
        finally:
            stack.down()
