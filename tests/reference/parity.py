#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold our program against the recorded answers of the reference libraries; write docs/parity.md.

    parity [--dump PROGRAM] [--precision f32 ...] [--golden DIR] [--models DIR] [--out FILE]

Every box the two sides disagree about is put into one of these drawers, and all are counted:

  tie        one side holds a box whose candidate the reference itself lists as decided by less than
             a rounding: score within 1e-3 of the threshold, IoU or IOS within 2e-3 of it, equal
             scores, or two classes within 1e-3 of each other
  order      sliced only: our box is the one our documented merge order gives for the reference's own
             tile boxes, and the reference's differs from it only by the order of its spatial tree
  pad        the box is the same in the network's picture, and off in the photo by exactly the one
             network pixel by which 8.3.220 misjudges its own border (vision.md 4.3: we use the
             border really applied)
  unexplained

Exit status 0: the acceptance holds (f32: nothing unexplained, counts equal on 95 % of the photos;
bf16: total count within 1 % of f32). 1: it does not. 77: something needed is absent.
"""
import argparse
import base64
import json
import pathlib
import subprocess
import sys
import zlib

import refenv

import numpy as np

PX, SCORE = 0.5, 1e-3  # the acceptance: same box within, same score within
SHARED_SETS = ("maize_rows", "nursery", "trays")  # the other goldens are sample pictures
CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


class Dump:
    """Our side: tests/tools/parity_dump, one process per network and precision."""

    def __init__(self, program, model, precision):
        self.process = subprocess.Popen(
            [program, str(model), "--precision", precision], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.info = json.loads(self.process.stdout.readline())

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"{line}: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def boxes(rows):
    return np.array([r[:6] for r in rows], np.float64).reshape(-1, 6)


def match(ours, theirs, px=PX, score=SCORE):
    """Pairs within the tolerances, closest first, each box once; indices of what is left over."""
    ours, theirs = boxes(ours), boxes(theirs)
    if not len(ours) or not len(theirs):
        return [], list(range(len(ours))), list(range(len(theirs)))
    d = np.abs(ours[:, None, :4] - theirs[None, :, :4]).max(2)
    ds = np.abs(ours[:, None, 4] - theirs[None, :, 4])
    ok = (d <= px) & (ds <= score) & (ours[:, None, 5] == theirs[None, :, 5])
    pairs, used_o, used_t = [], set(), set()
    for i, j in sorted(zip(*np.nonzero(ok)), key=lambda p: (d[p], ds[p])):
        if i not in used_o and j not in used_t:
            pairs.append((i, j, d[i, j], ds[i, j]))
            used_o.add(i)
            used_t.add(j)
    return (pairs, [i for i in range(len(ours)) if i not in used_o],
            [j for j in range(len(theirs)) if j not in used_t])


def pad_shift(w, h, size, rect):
    """What 8.3.220's border rounding adds to our x and y, photo pixels; mostly 0."""
    gain = min(size / h, size / w)
    out = []
    for length in (w, h):
        inside = round(length * gain)
        border = (size - inside) % 32 if rect else size - inside
        outer = inside + border
        out.append((round((outer - length * gain) / 2 - 0.1) - round(border / 2 - 0.1)) / gain)
    return out


def near_any(row, others, px=2 * PX, score=2 * SCORE, any_class=False):
    o = boxes(others)
    if not len(o):
        return False
    r = np.array(row[:6], np.float64)
    same = any_class | (o[:, 5] == r[5])
    return bool((same & (np.abs(o[:, :4] - r[:4]).max(1) <= px) &
                 (np.abs(o[:, 4] - r[4]) <= score)).any())


class Tally:
    """Figures of one row of the table."""

    def __init__(self):
        self.views = self.same_views = self.same_counts = 0
        self.ours = self.theirs = self.matched = 0
        self.tie = self.order = self.pad = self.unexplained = 0
        self.px = self.score = 0.0
        self.notes = []

    def add(self, where, ours, theirs, tied, ordered=None, shift=(0, 0)):
        pairs, extra, missing = match(ours, theirs)
        if any(shift):
            rest_o, rest_t = [ours[i] for i in extra], [theirs[j] for j in missing]
            moved = [[r[0] + shift[0], r[1] + shift[1], r[2] + shift[0], r[3] + shift[1], *r[4:]]
                     for r in rest_t]
            same, left_o, left_t = match(rest_o, moved)
            self.pad += len(same)
            extra, missing = [extra[i] for i in left_o], [missing[j] for j in left_t]
            pairs = pairs + same
        self.views += 1
        self.same_views += not extra and not missing
        self.same_counts += len(ours) == len(theirs)
        self.ours += len(ours)
        self.theirs += len(theirs)
        self.matched += len(pairs)
        self.px = max([self.px] + [p[2] for p in pairs])
        self.score = max([self.score] + [p[3] for p in pairs])
        for side, rows in (("ours", [ours[i] for i in extra]), ("theirs", [theirs[j] for j in missing])):
            for row in rows:
                if tied(row):
                    self.tie += 1
                elif ordered and ordered(side, row):
                    self.order += 1
                else:
                    self.unexplained += 1
                    self.notes.append(f"{where}: only {side} {row}")

    def cells(self):
        return (f"{self.views} | {self.theirs} | {self.ours} | {self.matched} | {self.same_views} | "
                f"{self.same_counts} | {self.tie} | {self.order} | {self.pad} | {self.unexplained} | "
                f"{self.px:.4f} | {self.score:.1e}")


HEAD = ("| pass | views | boxes theirs | ours | same | views all same | counts same | ties | order | "
        "pad | unexplained | worst px | worst score |\n" + "|---" * 13 + "|\n")


def tied_by(edges):
    """Edge kinds other than "class" must keep the class."""
    flips = [e for e in edges if e[6] == "class"]
    return lambda row: near_any(row, edges) or near_any(row, flips, any_class=True)


def view_line(golden, rect, conf):
    return f"view {conf} {golden['iou']} {golden['size']} " + " ".join(map(str, rect))


def compare_views(dump, golden, name, tally, keep):
    conf = golden["low_conf"] if name.endswith("low") else golden["conf"]
    views = golden[name] if isinstance(golden[name], list) else [golden[name]]
    for v in views:
        got = dump.ask(view_line(golden, v["rect"], conf))["boxes"]
        shift = pad_shift(*v["rect"][2:], golden["size"], "rect" in name)
        tally.add(f"{golden['photo']} {name} {v['rect']}", got, v["boxes"], tied_by(v["edges"]),
                  shift=shift)
        keep.append((len(got), len(v["boxes"]), golden["set"] in SHARED_SETS))


def compare_slice(dump, golden, name, tally, keep):
    """A photo with a side below 512 px takes the direct way, in Python as with us: then
    ultralytics' boxes of the whole photo are the answer wanted, not sahi's of one tile."""
    g = golden[name]
    got = dump.ask(f"slice {g['conf']} {golden['iou']}")["boxes"]
    if min(golden["w"], golden["h"]) < 512:
        v = golden[name.replace("slice", "direct")]
        tally.add(f"{golden['photo']} {name}", got, v["boxes"], tied_by(v["edges"]),
                  shift=pad_shift(*v["rect"][2:], golden["size"], False))
        keep.append((len(got), len(v["boxes"]), golden["set"] in SHARED_SETS))
        return

    def ordered(side, row):
        if g["rule_is_sahi"] or not g["tree_order_is_sahi"]:
            return False
        return near_any(row, g["rule"]) if side == "ours" else (
            near_any(row, g["sahi"]) and not near_any(row, g["rule"]))

    edges = g["edge_boxes"]
    level = [r for r in g["sahi"] + g["rule"] if abs(r[4] - g["conf"]) < SCORE]
    tally.add(f"{golden['photo']} {name}", got, g["sahi"],
              lambda row: near_any(row, edges) or near_any(row, level) or
              abs(row[4] - g["conf"]) < SCORE, ordered)
    keep.append((len(got), len(g["sahi"]), golden["set"] in SHARED_SETS))


# ---- masks ----

def packed_mask(m):
    """Mask of a golden: (rect, bits [h, w])."""
    x, y, w, h = m["rect"]
    bits = np.frombuffer(zlib.decompress(base64.b64decode(m["bits"])), np.uint8)
    return m["rect"], np.unpackbits(bits)[:w * h].reshape(h, w)


def run_mask(m):
    """Mask of parity_dump."""
    x, y, w, h = m["rect"]
    on = np.arange(len(m["runs"])) % 2
    return m["rect"], np.repeat(on, m["runs"]).astype(np.uint8).reshape(h, w)


def mask_difference(a, b):
    """Pixels that differ, and the union's size, of two (rect, bits)."""
    (ra, ma), (rb, mb) = a, b
    x, y = min(ra[0], rb[0]), min(ra[1], rb[1])
    w, h = max(ra[0] + ra[2], rb[0] + rb[2]) - x, max(ra[1] + ra[3], rb[1] + rb[3]) - y
    full = np.zeros((2, h, w), bool)
    for f, (r, m) in zip(full, (a, b)):
        f[r[1] - y:r[1] - y + r[3], r[0] - x:r[0] - x + r[2]] = m != 0
    return int((full[0] ^ full[1]).sum()), int((full[0] | full[1]).sum())


class MaskTally:
    def __init__(self):
        self.n = self.identical = self.contours_same = 0
        self.worst_px, self.worst_share, self.worst_vertex = 0, 0.0, 0.0  # vertex: network px

    def add(self, ours, theirs, photo_px_per_net_px):
        px, union = mask_difference(run_mask(ours), packed_mask(theirs))
        self.n += 1
        self.identical += px == 0
        self.worst_px = max(self.worst_px, px)
        self.worst_share = max(self.worst_share, px / max(union, 1))
        a, b = np.array(ours["contour"]), np.array(theirs["contour"])
        if px == 0 and a.shape == b.shape:
            self.contours_same += 1
            self.worst_vertex = max(self.worst_vertex,
                                    float(np.abs(a - b).max()) / photo_px_per_net_px)


def compare_segment(dump, golden, tally, masks):
    g = golden["segment"]
    got = dump.ask(f"segment {g['conf']} {g['iou']} {g['size']}")
    kept = [k for k, m in enumerate(got["masks"]) if m["area"] > 0]
    ours = [got["boxes"][k] for k in kept]
    shift = pad_shift(golden["w"], golden["h"], g["size"], False)
    tally.add(f"{golden['photo']} segment", ours, g["boxes"], tied_by(g["edges"]), shift=shift)
    scale = 1 / min(g["net"][0] / golden["h"], g["net"][1] / golden["w"])
    for i, j, _, _ in match(ours, g["boxes"])[0]:
        masks.add(got["masks"][kept[i]], g["masks"][j], scale)


# ---- raw heads ----

def compare_raw(program, models, material, precision):
    """Worst |difference| / max(1, |x|) of every output against the recorded heads."""
    import os
    import tempfile

    rows, ref = [], material / "weights" / "reference_outputs"
    for stem in ("yolo11n", "yolo11n-seg"):
        dump = Dump(program, models / f"{stem}.onnx", precision)
        for picture in ("coco36", "echeveria_pots"):
            dump.ask(f"photo {ref / f'{picture}_input_640.png'}")
            with tempfile.TemporaryDirectory() as tmp:
                path = os.path.join(tmp, "raw")
                shape = dump.ask(f"raw {path}")
                flat = np.fromfile(path, np.float32)
            n = shape["rows"] * shape["anchors"]
            parts = [("output0", flat[:n].reshape(shape["rows"], shape["anchors"]),
                      next(ref.glob(f"{picture}_{stem}_[0-9]*.npy")))]
            if stem.endswith("seg"):
                parts.append(("output1", flat[n:].reshape(shape["proto"]),
                              next(ref.glob(f"{picture}_{stem}_proto_*.npy"))))
            for name, got, path in parts:
                want = np.load(path).astype(np.float64)
                err = np.abs(got - want) / np.maximum(1, np.abs(want))
                rows.append((stem, picture, name, float(err.max()), float(err.mean())))
        dump.close()
    return rows


# ---- the whole run ----

class Run:
    PASSES = ("direct", "direct_low", "tiles", "tiles_low", "slice", "slice_low")

    def __init__(self, precision):
        self.precision, self.info = precision, None
        self.tally = {k: Tally() for k in self.PASSES + ("direct_rect_low", "segment")}
        self.counts = {k: [] for k in self.PASSES + ("direct_rect_low",)}
        self.masks, self.raw = MaskTally(), []
        self.decoded_same = self.photos = 0

    def go(self, a, goldens, paths):
        detect = Dump(a.dump, a.models / "yolo11n.onnx", self.precision)
        dynamic = Dump(a.dump, a.models / "yolo11n-dynamic.onnx", self.precision)
        segment = Dump(a.dump, a.models / "yolo11n-seg-1024.onnx", self.precision)
        if "error" in detect.info:
            print(f"{self.precision}: {detect.info['error']}")
            return False
        self.info = detect.info
        for g in goldens:
            seen = [d.ask(f"photo {paths[g['sha256']]}") for d in (detect, dynamic, segment)]
            self.photos += 1
            self.decoded_same += seen[0]["pixels_sha256"] == g["pixels_sha256"]
            for name in ("direct", "direct_low", "tiles", "tiles_low"):
                compare_views(detect, g, name, self.tally[name], self.counts[name])
            compare_views(dynamic, g, "direct_rect_low", self.tally["direct_rect_low"],
                          self.counts["direct_rect_low"])
            for name in ("slice", "slice_low"):
                compare_slice(detect, g, name, self.tally[name], self.counts[name])
            compare_segment(segment, g, self.tally["segment"], self.masks)
            print(f"{self.precision} {g['photo'][:50]:50s} "
                  f"sliced {self.counts['slice'][-1]} low {self.counts['slice_low'][-1]}", flush=True)
        for d in (detect, dynamic, segment):
            d.close()
        self.raw = compare_raw(a.dump, a.models, a.material, self.precision)
        return True

    @property
    def unexplained(self):
        return sum(t.unexplained for t in self.tally.values())

    def total(self, name, shared=True):
        return sum(c[0] for c in self.counts[name] if c[2] or not shared)


def cpu_features():
    try:
        flags = next(l for l in open("/proc/cpuinfo") if l.startswith("flags")).split()
    except (OSError, StopIteration):
        return "unknown"
    return ", ".join(f for f in CPU_FLAGS if f in flags) or "none of " + ", ".join(CPU_FLAGS)


def accept(runs):
    """(line, holds) for each sentence of the acceptance; holds None: for information."""
    f32 = next((r for r in runs if r.precision == "f32"), None)
    out = []
    if f32:
        nms = [f32.tally[k] for k in ("direct", "tiles")]
        out.append(("f32 NMS output equals ultralytics' on every photo and tile, but for ties and pad",
                    sum(t.unexplained for t in nms) == 0))
        out.append(("f32 sliced output equals sahi's, but for ties and merge order",
                    f32.tally["slice"].unexplained == 0))
    for r in runs:
        for k in ("direct", "slice"):
            photos = [c for c in r.counts[k] if c[2]]
            same = sum(c[0] == c[1] for c in photos)
            out.append((f"{r.precision} {k} counts equal the reference's on {same} of {len(photos)} "
                        f"shared photos" + (" (95 % wanted)" if r is f32 else ""),
                        same >= 0.95 * len(photos) if r is f32 else None))
    for r in runs:
        if f32 and r is not f32:
            for k, shared in (("slice", True), ("slice", False), ("slice_low", False),
                              ("tiles_low", False)):
                a, b = r.total(k, shared), f32.total(k, shared)
                wanted = r.precision == "bf16" and k == "slice" and shared
                out.append((f"{r.precision} {k}, {'shared photos' if shared else 'all pictures'}: "
                            f"{a} against f32 {b}, {100 * (a - b) / max(b, 1):+.2f} %" +
                            (" (within 1 % wanted)" if wanted else ""),
                            abs(a - b) <= 0.01 * b if wanted else None))
    return out


def report(runs, goldens):
    v = goldens[0]["versions"]
    lines = ["# Parity with the reference libraries", "",
             "Written by `tests/reference/parity`; do not edit. What the columns mean is said there.",
             "", "References: " + ", ".join(f"{k} {v[k]}" for k in sorted(v)) +
             ", ONNX Runtime f32 on the CPU.",
             f"Photos: {sum(g['set'] in SHARED_SETS for g in goldens)} shared ones and "
             f"{sum(g['set'] not in SHARED_SETS for g in goldens)} sample pictures that show more of "
             f"what a COCO net knows. Processor features of interest here: {cpu_features()}.", ""]
    lines += ["| acceptance | holds |", "|---|---|"]
    word = {True: "yes", False: "**no**", None: ""}
    lines += [f"| {text} | {word[ok]} |" for text, ok in accept(runs)]
    for r in runs:
        lines += ["", f"## {r.precision} ({r.info['backend']})", "",
                  f"Decoded pixels identical to OpenCV's on {r.decoded_same} of {r.photos} photos.",
                  "", (HEAD + "\n".join(f"| {k} | {t.cells()} |" for k, t in r.tally.items()))]
        m = r.masks
        if m.n:
            lines += ["", f"Masks of matched containers: {m.n}, identical {m.identical}; worst "
                      f"difference {m.worst_px} px ({100 * m.worst_share:.3f} % of the union); "
                      f"contours of identical masks with the same number of vertices "
                      f"{m.contours_same}, farthest vertex {m.worst_vertex:.3f} network px (we use "
                      "the pad really applied, 8.3.220 an unrounded one: vision.md 4.3)."]
        lines += ["", "| net | picture | output | worst difference / max(1, x) | mean |",
                  "|---|---|---|---|---|"]
        lines += [f"| {a} | {b} | {c} | {d:.2e} | {e:.2e} |" for a, b, c, d, e in r.raw]
    notes = [n for r in runs if r.precision == "f32" for t in r.tally.values() for n in t.notes]
    if notes:
        lines += ["", "## Unexplained differences of f32", ""] + [f"- {n}" for n in notes[:50]]
    return "\n".join(lines) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--dump", default=str(refenv.ROOT / "build/tests/tools/parity_dump"))
    p.add_argument("--precision", nargs="*", default=["f32", "bf16", "int8"])
    p.add_argument("--golden", type=pathlib.Path, default=refenv.ROOT / "tests/data/golden/photos")
    p.add_argument("--models", type=pathlib.Path, default=refenv.models_dir())
    p.add_argument("--material", type=pathlib.Path, default=refenv.material_dir())
    p.add_argument("--out", type=pathlib.Path, default=refenv.ROOT / "docs/parity.md")
    p.add_argument("--only", nargs="*", help="photos whose name contains one of these; no report")
    a = p.parse_args()
    paths = refenv.by_sha256(refenv.photos(a.material) + refenv.extra_pictures(a.material))
    goldens = [json.loads(f.read_text()) for f in sorted(a.golden.glob("[0-9a-f]*.json"))]
    goldens = [g for g in goldens if g.get("sha256") in paths and
               (not a.only or any(s in g["photo"] for s in a.only))]
    for what, there in (("the test material", goldens), (a.dump, pathlib.Path(a.dump).exists()),
                        (a.models, (a.models / "yolo11n.onnx").exists())):
        if not there:
            print(f"skipped: {what} is absent")
            return 77
    runs = [r for r in map(Run, a.precision) if r.go(a, goldens, paths)]
    text = report(runs, goldens)
    print(text)
    if not a.only:
        a.out.parent.mkdir(parents=True, exist_ok=True)
        a.out.write_text(text)
    return 0 if runs and all(ok is not False for _, ok in accept(runs)) else 1


if __name__ == "__main__":
    sys.exit(main())
