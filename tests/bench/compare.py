#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our program against the runtimes and the Python pipeline it replaces; writes docs/benchmarks.md.

    compare [--build DIR] [--models DIR] [--rounds N] [--quick] [--only SECTION ...] [--out FILE]

Sections: forward (one 640 px pass: ONNX Runtime, OpenVINO, PyTorch), peak (share of what oneDNN's
convolutions reach), photo (a 12-megapixel photo, the whole way), memory, start. Contenders of one
section run in turns, so that a busy machine slows all of them alike: read the ratios. Best and
median are given; ratios are of the best unless said otherwise.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "reference"), str(HERE)]
import pictures
import refenv
from parity import cpu_features
from workers import Worker, in_turns

PY = sys.executable


def table(head, rows):
    line = lambda cells: "| " + " | ".join(str(c) for c in cells) + " |"
    return [line(head), "|" + "---|" * len(head)] + [line(r) for r in rows] + [""]


class Command:
    """A program run from start to end; wall time and peak memory."""

    def __init__(self, name, argv):
        self.name, self.argv, self.times, self.rss_mb, self.output = name, argv, [], 0, ""

    def run(self, count=True):
        start = time.perf_counter()
        child = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True)
        out, err = child.communicate()
        took = time.perf_counter() - start
        if child.returncode:
            raise RuntimeError(f"{self.name}: exit {child.returncode}: {err.strip()[-300:]}")
        self.output = out
        if count:
            self.times.append(took)

    def measure_memory(self):
        """Peak resident set of one run, MB."""
        pid = os.posix_spawn(self.argv[0], self.argv, os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
        _, status, usage = os.wait4(pid, 0)
        if status:
            raise RuntimeError(f"{self.name}: exit status {status}")
        self.rss_mb = usage.ru_maxrss / 1024
        return self.rss_mb

    @property
    def best(self):
        return min(self.times)

    @property
    def median(self):
        return statistics.median(self.times)


class Bench:
    def __init__(self, a):
        self.a = a
        self.rounds = 3 if a.quick else a.rounds
        self.demeter = a.build / "src/demeter"
        self.forward_tool = a.build / "tests/bench/forward"
        self.peak_tool = a.build / "tests/bench/onednn_peak"
        self.tmp = pathlib.Path(a.tmp)
        self.model = self.calibrated(a.models / "yolo11n.onnx")
        self.containers = self.tmp / "containers-coco.onnx"
        pictures.relabel(a.models / "yolo11n-seg-1024.onnx", self.containers)
        self.calibrated(self.containers)
        self.forward_best = {}

    def calibrated(self, model):
        """A copy of the model with its int8 calibration beside it, made on the bench's photos."""
        out = self.tmp / model.name
        if out != model:
            shutil.copyfile(model, out)
        subprocess.run([str(self.demeter), "model", "quantize", str(out),
                        str(self.tmp / "plain.jpg"), str(self.tmp / "dense.jpg")], check=True,
                       stdout=subprocess.DEVNULL)
        return out

    # ---- one forward pass ----

    def forward_workers(self, threads):
        env = {"OMP_NUM_THREADS": str(threads)}
        ours = [Worker(f"demeter {p}", [str(self.forward_tool), str(self.model), p, str(threads)],
                       env) for p in ("f32", "bf16", "int8")]
        ours.append(Worker("demeter bf16, as counting runs it",
                           [str(self.forward_tool), str(self.model), "bf16", str(threads),
                            "--conf", "0.25"], env))
        qdq = self.quantized()
        peers = [("onnxruntime", "f32", self.model), ("openvino", "f32", self.model),
                 ("torch", "f32", self.model), ("openvino", "bf16", self.model),
                 ("torch", "bf16", self.model), ("onnxruntime", "int8", qdq),
                 ("openvino", "int8", qdq)]
        return ours + [Worker(f"{r} {p}", [PY, str(HERE / "forward_peer.py"), r, p, str(threads),
                                           str(m)], env) for r, p, m in peers]

    def quantized(self):
        """The same weights as a static int8 (QDQ) file, by ONNX Runtime's own quantiser."""
        out = self.tmp / "yolo11n-qdq.onnx"
        if not out.exists():
            subprocess.run([PY, str(HERE / "quantize_peer.py"), str(self.model), str(out)],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return out

    def forward(self):
        lines = ["## One forward pass, 640x640", "",
                 "The same ONNX weights everywhere (PyTorch: the same weights in its own classes, "
                 "channels last; int8 peers: quantised by ONNX Runtime from the same file). "
                 "Our passes produce every head, except the row that says otherwise.", ""]
        for threads in sorted({1, os.cpu_count()}):
            done = in_turns(self.forward_workers(threads), self.rounds, 5)
            self.forward_best[threads] = {w.name: w.best for w in done}
            best = {}
            for w in done:
                p = w.name.split()[1].rstrip(",")
                if not w.name.startswith("demeter"):
                    best[p] = min(best.get(p, 1e9), w.best)
            rows = []
            for w in done:
                p = w.name.split()[1].rstrip(",")
                ratio = f"{best[p] / w.best:.2f}x" if w.name.startswith("demeter") and p in best \
                    else ""
                rows.append((w.name, w.version, f"{w.best:.2f}", f"{w.median:.2f}", ratio))
            lines += [f"{threads} thread{'s' if threads > 1 else ''}:", ""]
            lines += table(("runtime", "version", "best ms", "median ms",
                            "against the best peer of that precision"), rows)
        return lines

    # ---- share of the peak ----

    def peak(self):
        lines = ["## Share of oneDNN's convolutions", "",
                 "Effective speed of our pass (6.48 GFLOP of convolutions at 640x640, everything "
                 "else counted as no work) against the best single convolution oneDNN reaches here "
                 "in the same precision, measured in turns with it.", ""]
        rows = []
        for threads in sorted({1, os.cpu_count()}):
            env = {"OMP_NUM_THREADS": str(threads)}
            for p in ("f32", "bf16", "int8"):
                w = in_turns([Worker(f"peak {p}", [str(self.peak_tool), p], env),
                              Worker(f"demeter {p}", [str(self.forward_tool), str(self.model), p,
                                                      str(threads)], env)], self.rounds, 3)
                if len(w) < 2:
                    continue
                top, net = max(w[0].times), 6.48 / w[1].best * 1e3
                rows.append((threads, p, f"{top:.0f}", f"{net:.0f}", f"{100 * net / top:.0f} %"))
        return lines + table(("threads", "precision", "oneDNN best GFLOP/s", "our pass GFLOP/s",
                              "share"), rows)

    # ---- a whole photo ----

    def count_argv(self, photo, precision, out, *more, detect=None, segment="none"):
        return [str(self.demeter), "count", "--model-detect", str(detect or self.model),
                "--model-segment", str(segment), "--profile", "parity", "--whole-photo",
                "--precision", precision, "--out", str(out), *more, str(photo)]

    def python_argv(self, detect, segment, photo, *more):
        return [PY, str(HERE / "pipeline.py"), str(detect), str(segment), str(photo), "--out",
                str(self.tmp / "processed"), *more]

    def counted(self, out, photo):
        metrics = json.loads((out / f"{photo.stem}.metrics.json").read_text())
        return metrics["counts"]["plants_detected"], metrics["counts"]["plants_estimated_undetected"]

    def cases(self):
        """(title, photo, detector, container net or "none", Python's PyTorch pair or None)"""
        subprocess.run([PY, str(HERE / "torch_files.py"), str(self.tmp)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        torch = (self.tmp / "yolo11n.pt", "none")
        own = refenv.ROOT / "models"
        own_segment = own / "containers-segment.onnx"
        yield "plain nursery photo, one region", self.tmp / "plain.jpg", self.model, "none", torch
        yield "dense picture, one region", self.tmp / "dense.jpg", self.model, "none", torch
        yield ("plain nursery photo, container pass at 1024 and its containers",
               self.tmp / "plain.jpg", self.model, self.containers, None)
        if (own / "plants-detect.onnx").exists():
            yield ("rendered bench, our own detector" + (" and containers" if own_segment.exists()
                                                         else ", one region"),
                   refenv.ROOT / "examples/bench-12mp.jpg",
                   self.calibrated(own / "plants-detect.onnx"),
                   self.calibrated(own_segment) if own_segment.exists() else "none", None)

    def our_commands(self, photo, detect, segment):
        for p in ("f32", "bf16", "int8"):
            out = self.tmp / f"out-{photo.stem}-{p}"
            c = Command(f"demeter {p}", self.count_argv(photo, p, out, "--overlay", "annotated",
                                                       detect=detect, segment=segment))
            try:
                c.run(count=False)
            except RuntimeError as e:
                print(f"  {e}", file=sys.stderr)
                continue
            c.counts = self.counted(out, photo)
            yield c

    def photo(self):
        lines = ["## A 12-megapixel photo, the whole way", "",
                 "JPEG in; container pass, 88 tiles, merge, band estimate; counts and the processed "
                 "picture (JPEG) out. Ours is a fresh process each time, start and model load "
                 "included; the Python pipeline is already running with its models loaded and warm, "
                 "and saves a JPEG too (the running one writes AVIF, which takes longer than all the "
                 "rest; see below). The same ONNX weights on both sides.", ""]
        for title, photo, detect, segment, torch in self.cases():
            models = {"Python, ONNX Runtime": (detect, segment)}
            if torch:
                models["Python, PyTorch"] = torch
            ours = list(self.our_commands(photo, detect, segment))
            theirs = [Worker(name, self.python_argv(*m, photo, "--serve", "--save", "jpeg"))
                      for name, m in models.items()]
            theirs = [w for w in theirs if w.alive]
            for _ in range(max(2, self.rounds // 2)):
                for c in ours:
                    c.run()
                for w in theirs:
                    w.ask(1)
            for w in theirs:
                w.close()
            rows, best = [], min(w.best for w in theirs) / 1e3
            for c in ours:
                rows.append((c.name, f"{c.best:.2f}", f"{c.median:.2f}", *c.counts,
                             f"{best / c.best:.1f}x"))
            for w in theirs:
                once = Command(w.name, self.python_argv(*models[w.name], photo, "--save", "none"))
                once.run()
                said = json.loads(once.output.strip().splitlines()[-1])
                rows.append((w.name, f"{w.best / 1e3:.2f}", f"{w.median / 1e3:.2f}",
                             said["detected"], said["estimated"], ""))
            lines += [f"{title}:", ""]
            lines += table(("program", "best s", "median s", "detected", "estimated",
                            "against the faster Python"), rows)
            print("\n".join(lines[-len(rows) - 5:]), flush=True)
        return lines + self.photo_as_running()

    def photo_as_running(self):
        """The Python pipeline with its own settings: the processed picture is an AVIF."""
        rows, lines = [], []
        for title, segment, torch in (("one region", "none", self.tmp / "yolo11n.pt"),
                                      ("container pass", self.containers, None)):
            photo = self.tmp / "plain.jpg"
            ours = [Command(f"demeter {p}", self.count_argv(
                photo, p, self.tmp / "out-auto", "--overlay", "annotated", segment=segment))
                    for p in ("bf16", "int8")]
            theirs = Worker("Python" + (", PyTorch" if torch else ", ONNX Runtime"), self.python_argv(
                torch or self.model, segment, photo, "--serve"))
            for _ in range(max(2, self.rounds // 3)):
                for c in ours:
                    c.run()
                theirs.ask(1)
            theirs.close()
            rows.append((title, theirs.name, f"{theirs.best / 1e3:.1f}", *(
                f"{c.best:.2f} ({theirs.best / 1e3 / c.best:.0f}x)" for c in ours)))
        lines = ["As the Python service runs it, with its default settings: already running and warm, "
                 "the processed picture saved as AVIF (quality 85, speed 4). Ours: a fresh process, "
                 "the picture as JPEG. Plain photo, best of the rounds:", ""]
        lines += table(("photo", "Python program", "Python s", "demeter bf16 s", "demeter int8 s"), rows)
        print("\n".join(lines), flush=True)
        once = Command("Python", self.python_argv(self.model, self.containers, self.tmp / "plain.jpg"))
        once.run()
        said = json.loads(once.output.strip().splitlines()[-1])
        stages = ", ".join(f"{k} {v:.2f}" for k, v in said["stages_s"].items())
        return lines + [f"Where its time goes, a fresh process with the container pass: {once.best:.1f} s "
                        f"(start and load {said['start_s']:.1f}; {stages}).", "",
                        "Detections are equal in f32; estimates of containers differ where an estimate "
                        "depends on its frame: ours works in the container's own rectangle, as the "
                        "specification asks, the Python code in the whole photo.", ""]

    # ---- memory and start ----

    def memory(self):
        photo, rows, containers = self.tmp / "plain.jpg", [], self.containers
        overlays = "detections,mask,detections_metrics,residual,estimation"
        for p in ("f32", "bf16", "int8"):
            for name, more in (("no overlay", ("--overlay", "none")), ("processed picture", ("--overlay", "annotated")),
                               ("five overlays", ("--overlay", overlays))):
                c = Command(f"demeter {p}, {name}", self.count_argv(
                    photo, p, self.tmp / f"out-mem-{p}", *more, segment=containers))
                try:
                    rows.append((c.name, f"{c.measure_memory():.0f}"))
                except RuntimeError as e:
                    print(f"  {e}", file=sys.stderr)
        c = Command("Python, ONNX Runtime", self.python_argv(self.model, containers, photo,
                                                             "--save", "jpeg"))
        rows.append((c.name, f"{c.measure_memory():.0f}"))
        return ["## Peak resident memory, 12-megapixel photo", ""] + table(("run", "MB"), rows)

    def start(self):
        photo = self.tmp / "small.jpg"
        containers = self.containers
        ours = [Command(f"demeter count {p}", self.count_argv(
            photo, p, self.tmp / "out-small", "--overlay", "none", segment=containers))
                for p in ("f32", "bf16")]
        ours.append(Command("demeter --version", [str(self.demeter), "--version"]))
        python = Command("Python pipeline", self.python_argv(self.model, containers, photo, "--save",
                                                             "none"))
        for k in range(self.rounds + 1):
            for c in ours:
                c.run(count=k > 0)
            if k < 3:
                python.run(count=k > 0)
        rows = [(c.name, f"{c.best * 1e3:.0f}", f"{c.median * 1e3:.0f}") for c in ours + [python]]
        return ["## Cold start", "", "A 400x300 photo from process start to exit: models read, "
                "prepared and run (container pass at 1024 and one plant pass).", ""] + \
            table(("program", "best ms", "median ms"), rows)


def versions():
    import importlib.metadata as m

    names = ("onnxruntime", "openvino", "torch", "ultralytics", "sahi", "opencv-python")
    return ", ".join(f"{n} {m.version(n)}" for n in names)


SECTIONS = ("forward", "peak", "photo", "memory", "start")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default=refenv.ROOT / "build")
    p.add_argument("--models", type=pathlib.Path, default=refenv.models_dir())
    p.add_argument("--rounds", type=int, default=10)
    p.add_argument("--quick", action="store_true", help="3 rounds")
    p.add_argument("--only", nargs="*", choices=SECTIONS)
    p.add_argument("--out", type=pathlib.Path, default=refenv.ROOT / "docs/benchmarks.md")
    a = p.parse_args()
    for what in (a.models / "yolo11n.onnx", a.build / "tests/bench/forward",
                 refenv.material_dir() / "photos"):
        if not what.exists():
            print(f"skipped: {what} is absent")
            return 77
    with tempfile.TemporaryDirectory() as a.tmp:
        pictures.write_all(pathlib.Path(a.tmp))
        bench = Bench(a)
        lines = ["# Benchmarks", "", "Written by `tests/bench/compare`; do not edit.", "",
                 f"{os.cpu_count()} processors ({cpu_features()}); {versions()}. Contenders ran in "
                 "turns on one machine that also did other work (load average at the start "
                 f"{os.getloadavg()[0]:.1f}): the ratios mean something, the milliseconds little.",
                 ""]
        for s in a.only or SECTIONS:
            part = getattr(bench, s)()
            print("\n".join(part), flush=True)
            lines += part
    if not a.only:
        a.out.parent.mkdir(parents=True, exist_ok=True)
        a.out.write_text("\n".join(lines).rstrip() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
