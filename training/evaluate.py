# SPDX-License-Identifier: Apache-2.0
"""How well the models find and count, measured through the program itself.

    training/evaluate --demeter build/src/demeter                      # all of it: docs/accuracy.md
    training/evaluate --detect new.onnx --data photos/val --classes 0  # one labelled folder, to stdout

Without --data it renders benches whose seeds no training has seen, counts them with `demeter count`,
adds every labelled set of $DEMETER_MATERIAL that is there, and writes docs/accuracy.md with its
plots. Nothing of the material is copied; only figures leave it.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from data import label_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SCENES = ("bench", "plug", "crate", "seedling", "loose")
DENSITIES = (30, 120, 500)
SEED = 4100000  # and up: held out from all training and all tuning
CLASS_OF = {"segment": "segmento", "box": "cajon", "plug": "plug", "almacigo": "almacigo"}
WEAK = ("conf=0.1", "max_det=3000")  # for AP: weaker ones distort the merging of tiles
IOUS = np.arange(0.5, 0.96, 0.05)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--demeter", default=str(ROOT / "build/src/demeter"))
    p.add_argument("--detect", default=str(ROOT / "models/plants-detect.onnx"))
    p.add_argument("--segment", default=str(ROOT / "models/containers-segment.onnx"))
    p.add_argument("--data", help="a folder of pictures with YOLO boxes instead of everything")
    p.add_argument("--classes", nargs="+", type=int, default=[0], help="label ids that are plants")
    p.add_argument("--smallest", type=float, default=0, help="plants under so many px do not matter to AP")
    p.add_argument("--count", nargs="*", default=[], help="settings for demeter count: tile_size=256 ...")
    p.add_argument("--pictures", type=int, default=10, help="of each kind of rendered scene")
    p.add_argument("--work", help="folder that keeps the rendered pictures")
    p.add_argument("--out", default=str(ROOT / "docs"))
    return p.parse_args()


# ---- running the program ----

def count(o, files, segment="none", settings=()):
    """Answers of demeter count, in the order of files; {} for one that failed."""
    flags = []
    for s in settings:
        name, value = s.split("=")
        flags += ["--" + name.replace("_", "-"), value]
    command = [o.demeter, "count", "--json", "--detections", "--model-detect", o.detect,
               "--model-segment", segment, *flags, *map(str, files)]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout.decode()
    answers = {a["image"]["path"]: a for a in map(json.loads, out.splitlines())}
    if not answers:
        sys.exit("evaluate: demeter count said nothing")
    return [answers.get(str(f), {}) for f in files]


def boxes_of(answer):
    """Boxes [N, 4] (x1, y1, x2, y2), scores [N]."""
    rows = [(d["x"], d["y"], d["width"], d["height"], d["confidence"])
            for d in answer.get("detections", [])]
    a = np.array(rows, float).reshape(-1, 5)
    return np.concatenate((a[:, :2] - a[:, 2:4] / 2, a[:, :2] + a[:, 2:4] / 2), 1), a[:, 4]


def total(answer, which="plants_total_estimated"):
    return answer.get("counts", {}).get(which, 0)


# ---- measures ----

def iou_matrix(a, b):
    lt, rb = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.clip(rb - lt, 0, None).prod(2)
    area = lambda x: (x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1])  # noqa: E731
    return inter / (area(a)[:, None] + area(b)[None] - inter + 1e-9)


def match(over, scores, limit, spare):
    """For each prediction, strongest first: 1 hit, 0 miss, -1 neither, for it found a spare truth.
    over: IoU [N, M]; spare [M]: truths nobody asks for."""
    hit, used = np.zeros(len(scores), int), np.zeros(over.shape[1], bool)
    for i in np.argsort(-scores, kind="stable"):
        left = np.where(used | spare, -1.0, over[i])
        j = int(np.argmax(left)) if len(left) else -1
        if j >= 0 and left[j] >= limit:
            hit[i] = used[j] = 1
        elif (over[i][spare] >= limit).any():
            hit[i] = -1
    return hit


def average_precision(hits, scores, truths):
    """Area under the precision envelope."""
    keep = hits >= 0
    order = np.argsort(-scores[keep], kind="stable")
    tp = np.cumsum(hits[keep][order])
    if len(tp) == 0 or truths == 0:
        return 0.0
    recall, precision = tp / truths, tp / np.arange(1, len(tp) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate(([0], recall))) * envelope))


class Precision:
    """Gathers pictures; ap() over all of them."""

    def __init__(self):
        self.hits, self.scores, self.truths = [[] for _ in IOUS], [], 0

    def add(self, over, scores, spare):
        self.truths += int((~spare).sum())
        self.scores.append(scores)
        for k, limit in enumerate(IOUS):
            self.hits[k].append(match(over, scores, limit, spare))

    def ap(self):
        """AP50, AP50-95; None without truth."""
        if not self.truths:
            return None, None
        s = np.concatenate(self.scores)
        all_ = [average_precision(np.concatenate(h), s, self.truths) for h in self.hits]
        return all_[0], float(np.mean(all_))


def errors(pairs):
    """pairs: (truth, count). What people ask of a count."""
    c = np.array(pairs, float).reshape(-1, 2)
    d, some = c[:, 1] - c[:, 0], c[:, 0] > 0
    share = np.abs(d[some]) / c[some, 0]
    return {"pictures": len(c), "truth": int(c[:, 0].sum()), "counted": int(c[:, 1].sum()),
            "mae": float(np.abs(d).mean()), "mape": float(share.mean()) if some.any() else 0.0,
            "median": float(np.median(share)) if some.any() else 0.0,
            "bias": float(d.sum() / max(c[:, 0].sum(), 1))}


def detector_precision(answers, truths, smallest):
    p = Precision()
    for answer, truth in zip(answers, truths):
        boxes, scores = boxes_of(answer)
        side = np.minimum(truth[:, 2] - truth[:, 0], truth[:, 3] - truth[:, 1])
        p.add(iou_matrix(boxes, truth), scores, side < smallest)
    return p.ap()


# ---- rendered scenes ----

def render(o, work):
    """[(scene, plants, file, truth)]: benches of every scene and density, and half-empty ones."""
    kinds = [(s, n, []) for s in SCENES for n in DENSITIES]
    kinds += [(s, 80, ["--empty", "0.5"]) for s in SCENES]
    out = []
    for k, (scene, plants, more) in enumerate(kinds):
        for i in range(o.pictures):
            seed = SEED + k * 100 + i
            path = work / f"{scene}-{plants}{'-half' if more else ''}-{seed}.jpg"
            if not path.exists():
                subprocess.run([o.demeter, "synth", "-q", "--seed", str(seed), "--scene", scene,
                                "--plants", str(plants), "--size", "1600x1200", "--quality", "0",
                                *more, str(path)], check=True)
            truth = json.loads(path.with_suffix(".json").read_text())
            out.append((scene, f"{plants}, half empty" if more else str(plants), path, truth))
    return out


def cuts(o, work, n=100):
    """512 px windows of endless benches, all sizes of plants: [(file, truth)]."""
    folder = work / "cuts"
    if not folder.exists():
        subprocess.run([o.demeter, "synth", "-q", "--seed", str(SEED + 50000), "--pictures", str(n),
                        "--size", "512x512", "--quality", "0", str(folder)], check=True)
    return [(p, json.loads(p.with_suffix(".json").read_text())) for p in sorted(folder.glob("*.jpg"))]


def items(truth):
    rows = [x["box"] for x in truth["objects"] if x["class"] == "item"]
    return np.array(rows, float).reshape(-1, 4)


# ---- containers ----

def raster(polygons, w, h, k=8):
    """Masks [N, h/k * w/k] of 0/1."""
    out = np.zeros((len(polygons), (h // k) * (w // k)), np.float32)
    for i, p in enumerate(polygons):
        im = Image.new("L", (w // k, h // k))
        ImageDraw.Draw(im).polygon([(x / k, y / k) for x, y in p], fill=1)
        out[i] = np.asarray(im, np.float32).ravel()
    return out


def mask_iou(a, b):
    inter = a @ b.T
    return inter / (a.sum(1)[:, None] + b.sum(1)[None] - inter + 1e-9)


def containers(answers, truths):
    """Per class AP50 of outlines, and the mean IoU of outlines that were found at 0.5."""
    by_class = {c: Precision() for c in CLASS_OF.values()}
    ious = []
    for answer, truth in zip(answers, truths):
        w, h = truth["width"], truth["height"]
        found = [s for s in answer.get("segments", []) if not s["whole_photo"]]
        real = [c for c in truth["containers"] if len(c["polygon"]) > 2]
        a = raster([s["polygon"] for s in found], w, h)
        b = raster([c["polygon"] for c in real], w, h)
        over = mask_iou(a, b)
        scores = np.array([s["confidence"] for s in found], float)
        for name, p in by_class.items():
            mine = np.array([CLASS_OF.get(s["container_type"]) == name for s in found], bool)
            yours = np.array([c["type"] == name for c in real], bool)
            p.add(over[np.ix_(mine, yours)], scores[mine], np.zeros(yours.sum(), bool))
            best = over[np.ix_(mine, yours)]
            if best.size:
                ious += [x for x in best.max(1) if x >= 0.5]
    ap = {name: p.ap()[0] for name, p in by_class.items()}
    return ap, float(np.mean(ious)) if ious else 0.0, {n: p.truths for n, p in by_class.items()}


# ---- real sets ----

def yolo_folder(folder, classes):
    """[(file, boxes [M, 4] in pixels)] of pictures with a label file."""
    out = []
    for path in sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png")):
        label = label_of(path)
        if label.exists():
            rows = np.array([list(map(float, r.split()[:5])) for r in label.read_text().splitlines()
                             if int(r.split()[0]) in classes], float).reshape(-1, 5)
            wh = np.array(Image.open(path).size * 2)
            c = rows[:, 1:] * wh
            out.append((path, np.concatenate((c[:, :2] - c[:, 2:] / 2, c[:, :2] + c[:, 2:] / 2), 1)))
    return out


def crowns(folder):
    """Boxes of the csv files with image_path, xmin, ymin, xmax, ymax."""
    out = {}
    for table in sorted(folder.glob("*.csv")):
        with open(table, newline="") as f:
            for r in csv.DictReader(f):
                path = folder / (r.get("image_path") or "none")
                if path.exists() and r.get("xmin") and path.suffix != ".tif":
                    out.setdefault(path, set()).add(
                        tuple(float(r[k]) for k in ("xmin", "ymin", "xmax", "ymax")))
    return [(p, np.array(sorted(b), float)) for p, b in sorted(out.items())]


def real_sets(material):
    """[(name, [(file, boxes or None, count)])] of what is there."""
    sets = material / "datasets"
    out = []
    for part in ("train", "val"):
        if (sets / "drone_seedlings" / part).exists():
            out.append((f"drone_seedlings, {part}", [
                (p, b, len(b)) for p, b in yolo_folder(sets / "drone_seedlings" / part / "images", [0])]))
    if (sets / "maize_points").exists():
        rows = [(p, label_of(p)) for p in sorted((sets / "maize_points/image").iterdir())]
        rows = [(p, p.parent.parent / "label" / (p.stem + ".txt")) for p, _ in rows]
        out.append(("maize_points", [(p, None, len(t.read_text().split())) for p, t in rows
                                     if t.exists()]))
    if (sets / "seedling_cutouts").exists():
        files = sorted((sets / "seedling_cutouts").glob("*/rgb/*.jpg"))
        out.append(("seedling_cutouts (one each)", [(p, None, 1) for p in files]))
    if (sets / "tree_crowns").exists():
        out.append(("tree_crowns", [(p, b, len(b)) for p, b in crowns(sets / "tree_crowns")]))
    return [(name, rows) for name, rows in out if rows]


# Counted by eye on the photo itself; a plant is what grows in one pot or cell, cut ones included.
EYE = (
    ("photos/nursery/echeveria-b__4-IMG_20260404_125035.jpg", 10, "10 potted echeverias from above, 700 to 1,000 px each"),
    ("photos/nursery/hens-and-chicks__3-Hens_and_chicks_bulk.jpg", 5, "one houseleek with its offsets, four more cut by the edge"),
    ("photos/trays/docs__img__documentation_images__analyze_color__original_multi.jpg", 19, "tray of 20 cells, two of the plants tiny, one cell empty"),
    ("photos/trays/multiplant.jpg", 18, "18 seedlings on blue mats"),
    ("photos/trays/tests__testdata__brassica_multi_rgb_img.jpg", 18, "the same mats, another shot"),
    ("photos/trays/docs__img__documentation_images__transform_merge_images__vert_tree_merged.jpg", 1, "a shrub in a pot, from the side"),
)


# ---- report ----

def svg(path, series, title):
    """Predicted against true counts, both axes logarithmic. series: [(name, [(truth, count)])]."""
    side, edge, colours = 360, 46, ("#1b7837", "#762a83", "#b35806", "#2166ac", "#666666")
    pairs = [p for _, rows in series for p in rows]
    top = max(10, *(max(p) for p in pairs)) * 1.25
    low = max(1, min(max(1, min(p)) for p in pairs) * 0.8)
    at = lambda v: edge + (side - edge - 10) * np.log(max(v, low) / low) / np.log(top / low)  # noqa: E731
    text = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side + 110} {side}" '
            f'font-family="sans-serif" font-size="11"><title>{title}</title>'
            f'<rect width="{side + 110}" height="{side}" fill="#fff"/>'
            f'<path d="M{at(low):.0f} {side - at(low):.0f}L{at(top):.0f} {side - at(top):.0f}" stroke="#bbb"/>']
    for v in (1, 3, 10, 30, 100, 300, 1000, 3000):
        if low <= v <= top:
            text.append(f'<text x="{at(v):.0f}" y="{side - 26}" text-anchor="middle">{v}</text>'
                        f'<text x="{edge - 8}" y="{side - at(v) + 4:.0f}" text-anchor="end">{v}</text>')
    text.append(f'<text x="{side / 2:.0f}" y="{side - 8}" text-anchor="middle">plants there</text>'
                f'<text transform="translate(12 {side / 2:.0f}) rotate(-90)" text-anchor="middle">counted</text>')
    for k, (name, rows) in enumerate(series):
        c = colours[k % len(colours)]
        text += [f'<circle cx="{at(t):.1f}" cy="{side - at(n):.1f}" r="3" fill="{c}" fill-opacity=".6"/>'
                 for t, n in rows]
        text.append(f'<circle cx="{side + 4}" cy="{20 + 16 * k}" r="4" fill="{c}"/>'
                    f'<text x="{side + 12}" y="{24 + 16 * k}">{name}</text>')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(text) + "\n</svg>\n")


def cell(x, digits=3):
    return "–" if x is None else f"{x:.{digits}f}"


def error_row(name, e, ap=(None, None)):
    return (f"| {name} | {e['pictures']} | {e['truth']:,} | {e['counted']:,} | {e['bias']:+.1%} | "
            f"{e['mae']:.1f} | {e['mape']:.1%} | {e['median']:.1%} | {cell(ap[0])} | {cell(ap[1])} |")


HEAD = ("| {} | pictures | plants | counted | bias | MAE | MAPE | median | AP50 | AP50-95 |\n"
        "|---|---|---|---|---|---|---|---|---|---|")


def group(scenes, answers, weak, key, smallest):
    """Rows of a table: one for each value of key."""
    rows, pairs_of = [], {}
    for value in dict.fromkeys(s[key] for s in scenes):
        pick = [i for i, s in enumerate(scenes) if s[key] == value]
        pairs = [(scenes[i][3]["plants"], total(answers[i])) for i in pick]
        ap = detector_precision([weak[i] for i in pick], [items(scenes[i][3]) for i in pick], smallest)
        rows.append(error_row(value, errors(pairs), ap))
        pairs_of[value] = pairs
    return rows, pairs_of


def synthetic(o, work, text):
    scenes = render(o, work)
    files = [s[2] for s in scenes]
    alone = count(o, files)
    weak = count(o, files, settings=WEAK)
    text += ["## Rendered benches, seeds never trained on", "",
             f"{len(scenes)} pictures of 1600 × 1200 px, counted whole by the detector alone, with the "
             "settings `demeter count` has by default. AP from detections down to a confidence of 0.1, below which the merging of tiles suffers; "
             "plants under 16 px neither help nor harm AP, but they belong to the count.", "",
             HEAD.format("scene")]
    rows, series = group(scenes, alone, weak, 0, 16)
    every = [p for s in series.values() for p in s]
    text += rows + [error_row("**all**", errors(every),
                              detector_precision(weak, [items(s[3]) for s in scenes], 16)), ""]
    text += [HEAD.format("plants in the picture"), *group(scenes, alone, weak, 1, 16)[0], "",
             "![counted against true, rendered benches](images/accuracy-rendered.svg)", ""]
    svg(Path(o.out) / "images/accuracy-rendered.svg", list(series.items()), "rendered benches")
    windows = cuts(o, work)
    files = [p for p, _ in windows]
    pairs = [(t["plants"], total(a)) for (_, t), a in zip(windows, count(o, files))]
    weak = count(o, files, settings=WEAK)
    text += ["Windows of 512 × 512 px with plants of 12 to 280 px, cut by the edge of the picture where "
             "they lie on it:", "", HEAD.format("windows"),
             error_row("all plants", errors(pairs), detector_precision(weak, [items(t) for _, t in windows], 0)),
             error_row("plants of 16 px and more for AP", errors(pairs),
                       detector_precision(weak, [items(t) for _, t in windows], 16)), ""]
    return scenes, errors(every)


def with_containers(o, scenes, text):
    files = [s[2] for s in scenes]
    both = count(o, files, o.segment)
    weak = count(o, files, o.segment, ["segment_conf=0.05", "conf=0.9"])
    ap, iou, truths = containers(weak, [s[3] for s in scenes])
    known = [v for v in ap.values() if v is not None]
    text += ["## Containers", "", f"`{Path(o.segment).name}` on the same pictures: AP at a mask IoU of "
             "0.5, and the mean mask IoU of the containers it found.", "",
             "| class | there | AP50 |", "|---|---|---|",
             *(f"| {n} | {truths[n]} | {cell(v)} |" for n, v in ap.items()),
             f"| **mean** | {sum(truths.values())} | {cell(float(np.mean(known)))} |", "",
             f"Mean mask IoU of what was found: {iou:.3f}.", "",
             "Counting with both models:", "", HEAD.format("scene")]
    for which, words in (("plants_detected", "detected only"), ("plants_total_estimated", "with the estimate")):
        pairs = [(s[3]["plants"], total(a, which)) for s, a in zip(scenes, both)]
        for scene in SCENES:
            mine = [p for p, s in zip(pairs, scenes) if s[0] == scene]
            text.append(error_row(f"{scene}, {words}", errors(mine)))
        text.append(error_row(f"**all**, {words}", errors(pairs)))
    text.append("")


def real(o, material, text):
    text += ["## Real pictures", "",
             "Read from `DEMETER_MATERIAL`, never copied, never trained on for the shipped weights. Most "
             "of it is no nursery: seedlings from a drone, rows of maize, crowns of trees. It shows what "
             "to expect before fine-tuning (`training/finetune`).", "", HEAD.format("set")]
    series = []
    for name, rows in real_sets(material):
        files = [r[0] for r in rows]
        answers = count(o, files)
        pairs = [(r[2], total(a)) for r, a in zip(rows, answers)]
        ap = (None, None)
        if rows[0][1] is not None:
            ap = detector_precision(count(o, files, settings=WEAK), [r[1] for r in rows], 0)
        text.append(error_row(name, errors(pairs), ap))
        series.append((name.split(" ")[0].strip(","), pairs))
    if series:
        svg(Path(o.out) / "images/accuracy-real.svg", series, "real pictures")
        text += ["", "![counted against true, real pictures](images/accuracy-real.svg)", ""]
    photos = [(material / p, n, what) for p, n, what in EYE if (material / p).exists()]
    if photos:
        alone = count(o, [p for p, _, _ in photos])
        text += ["Photographs counted by eye:", "", "| photo | by eye | counted |", "|---|---|---|"]
        text += [f"| {what} | {n} | {total(a)} |" for (_, n, what), a in zip(photos, alone)] + [""]


def finetuned(text):
    """What training/finetune printed, as kept in training/runs."""
    runs = [json.loads(p.read_text()) for p in sorted((HERE / "runs").glob("finetune-*.json"))]
    if runs:
        text += ["## Fine-tuned on one's own photos", "",
                 "`training/finetune PHOTOS --test OTHERS`, one command from the shipped weights; the others "
                 "are counted with the model as it is written, nothing set by hand.", "",
                 "| set | photos learned and kept back | minutes | tested on | plants | counted | bias | MAE | MAPE |",
                 "|---|---|---|---|---|---|---|---|---|"]
    for r in runs:
        e = r["test"]
        text.append(f"| {r['set']} | {r['photos']} | {r['minutes']} | {e['pictures']} | {e['truth']:,} | "
                    f"{e['counted']:,} | {e['bias']:+.1%} | {e['mae']:.1f} | {e['mape']:.1%} |")


def one_folder(o):
    rows = yolo_folder(o.data, o.classes)
    files = [p for p, _ in rows]
    pairs = [(len(b), total(a)) for (_, b), a in zip(rows, count(o, files, settings=o.count))]
    weak = count(o, files, settings=[*o.count, *WEAK])
    ap = detector_precision(weak, [b for _, b in rows], o.smallest)
    print(json.dumps({**errors(pairs), "ap50": ap[0], "ap50_95": ap[1]}))


def main():
    o = arguments()
    if o.data:
        return one_folder(o)
    text = ["# Accuracy", "", "Made by `training/evaluate`; do not edit. Every figure comes from "
            "`demeter count` itself. MAE: plants a picture. MAPE: mean of the errors in percent of "
            "the true count, median: their median; bias: all counted against all there.", ""]
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(o.work or temporary)
        work.mkdir(parents=True, exist_ok=True)
        scenes, overall = synthetic(o, work, text)
        if Path(o.segment).exists():
            with_containers(o, scenes, text)
    material = os.environ.get("DEMETER_MATERIAL")
    if material:
        real(o, Path(material), text)
    finetuned(text)
    (Path(o.out) / "accuracy.md").write_text("\n".join(text).rstrip() + "\n")
    print(json.dumps(overall))


if __name__ == "__main__":
    main()
