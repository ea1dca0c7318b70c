# SPDX-License-Identifier: Apache-2.0
"""Teach the plant model your own plants: a folder of photos with YOLO labels in, a model file out.

    training/finetune photos/ --out mine.onnx --minutes 50

photos/ holds NAME.jpg with NAME.txt ("class cx cy w h" a line, in fractions), or images/ and labels/
side by side as data sets have them. With --points a line is "x,y" in pixels, one point a plant, and
boxes are guessed from the distance of neighbours. It starts from the shipped ONNX file, so nothing
else is needed. Small plants are shown enlarged. Every fifth photo is not learned: the confidence at
which those are counted best becomes the default threshold of the model, and the tiles that show
plants as large as it learned them are written into it, so that nothing has to be set to count.
"""

import argparse
import ast
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from PIL import Image

from data import SUFFIXES, Folder, cut, sample
from evaluate import boxes_of, count, errors
from yolo11 import YOLO11, Conv

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
TILE = 512          # pixels the network sees
WANTED_PX = 36      # a plant shown smaller than this is enlarged
LARGEST = 4.0       # times
PIECE = 420         # pixels of a piece of an enlarged photo; train.py shows cuts of whole pictures
CONFIDENCES = np.arange(0.10, 0.81, 0.02)
KEEP_BACK = 5       # every so many photos are not learned but measure the confidence


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("data", help="folder of photos and labels")
    p.add_argument("--out", required=True, help="model file to write")
    p.add_argument("--start", default=str(ROOT / "models/plants-detect.onnx"))
    p.add_argument("--classes", nargs="+", type=int, default=[0], help="label ids that are plants")
    p.add_argument("--points", action="store_true", help="labels are one point a plant, x,y in pixels")
    p.add_argument("--test", help="another such folder, to be counted with the new model")
    p.add_argument("--minutes", type=float, default=50)
    p.add_argument("--iterations", type=int, default=10 ** 9)
    p.add_argument("--size", type=int, default=320, help="pixels of a training crop")
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--bf16", action="store_true", help="on GPUs and CPUs with avx512_bf16")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--demeter", default=str(ROOT / "build/src/demeter"))
    p.add_argument("--run", help="folder of checkpoints; the same folder again goes on from there")
    return p.parse_args()


# ---- from an exported file back to a network that can learn ----

def fused_from_onnx(path):
    """The network of an ONNX file of ours, norms folded, with its class names."""
    m = onnx.load(path)
    meta = {p.key: p.value for p in m.metadata_props}
    names = [v for _, v in sorted(ast.literal_eval(meta["names"]).items())]
    model = YOLO11(meta["task"], "n", len(names)).fuse()
    weights = {t.name.removesuffix("_f16"): numpy_helper.to_array(t) for t in m.graph.initializer}
    state = model.state_dict()
    missing = [k for k in state if k not in weights and "dfl" not in k]
    if missing:
        sys.exit(f"finetune: {path} lacks {missing[0]}: it is no scale-n file of this project")
    for k in state:
        if k in weights:
            state[k] = torch.from_numpy(weights[k].astype(np.float32)).view(state[k].shape)
    model.load_state_dict(state)
    return model.eval(), names


@torch.no_grad()
def unfuse(fused, pictures):
    """A network with batch norms that computes the same as `fused`. What folding threw away, mean
    and variance before each norm, is measured on `pictures` [N, 3, s, s]."""
    model = YOLO11(fused.task, fused.scale, fused.nc).eval()
    mine = dict(model.named_modules())
    moments, hooks = {}, []

    def watch(name):
        def hook(_, __, y):
            moments[name] = (y.mean((0, 2, 3)), y.var((0, 2, 3)))
        return hook

    for name, module in fused.named_modules():
        if isinstance(module, Conv):
            hooks.append(module.conv.register_forward_hook(watch(name)))
    fused(pictures)
    for h in hooks:
        h.remove()
    state = model.state_dict()
    for key, value in fused.state_dict().items():
        if key in state and state[key].shape == value.shape:
            state[key] = value
    model.load_state_dict(state)
    for name, (mean, var) in moments.items():
        conv, folded = mine[name], dict(fused.named_modules())[name].conv
        bn = conv.bn
        bn.running_mean.copy_(mean - folded.bias)
        bn.running_var.copy_(var)
        bn.weight.copy_(torch.sqrt(var + bn.eps))
        bn.bias.copy_(mean)
    return model


# ---- the photos ----

def enlargement(folder):
    """How many times the photos are enlarged so that a plant is wide enough to be seen."""
    sides = []
    for i in range(len(folder)):
        _, rows = folder.load(i)
        sides += list(np.minimum(rows[:, 3] - rows[:, 1], rows[:, 4] - rows[:, 2]))
    if not sides:
        sys.exit("finetune: no labelled plant in the folder")
    k = min(LARGEST, max(1.0, WANTED_PX / float(np.median(sides))))
    return TILE / max(64, round(TILE / k / 32) * 32)  # tiles are multiples of 32 px


def pictures_of(data):
    root = Path(data)
    return next((root / name for name in ("images", "image") if (root / name).is_dir()), root)


def boxes_of_points(points):
    """[n, 2] pixels -> sides of the square around each: nine tenths of the distance to the nearest
    neighbour, but not more than twice what is usual in the photo."""
    if len(points) < 2:
        sys.exit("finetune: a photo with less than two points does not say how large its plants are")
    d = np.sqrt(((points[:, None] - points[None]) ** 2).sum(2))
    np.fill_diagonal(d, np.inf)
    side = 0.9 * d.min(1)
    return np.clip(side, 0.5 * np.median(side), 2 * np.median(side))


def from_points(source, to):
    """The photos of a folder labelled with points, linked into `to` beside YOLO boxes."""
    to.mkdir()
    for path in sorted(p for p in source.iterdir() if p.suffix.lower() in SUFFIXES):
        near = [path.with_suffix(".txt"), source.parent / "labels" / (path.stem + ".txt"),
                source.parent / "label" / (path.stem + ".txt")]
        label = next((p for p in near if p.exists()), None)
        if label is None:
            continue
        points = np.array([list(map(float, line.replace(",", " ").split()[:2]))
                           for line in label.read_text().splitlines() if line.strip()])
        with Image.open(path) as im:
            wh = np.array(im.size)
        (to / path.name).symlink_to(path.resolve())
        (to / (path.stem + ".txt")).write_text("".join(
            "0 {:.6f} {:.6f} {:.6f} {:.6f}\n".format(*(p / wh), *(s / wh))
            for p, s in zip(points, boxes_of_points(points))))
    return to


def starts(length):
    """Where pieces begin that cover `length` with a fifth of overlap."""
    n = max(1, -(-(length - PIECE) * 5 // (PIECE * 4)) + 1)
    return [round(i * max(0, length - PIECE) / max(1, n - 1)) for i in range(n)]


def enlarged(folder, k, to):
    """The photos k times as large, in pieces, beside the labels of their plants, now all class 0.
    Pieces, because train.py fits its cuts to the picture: of a whole photo it would show the plants
    small again."""
    to.mkdir(parents=True, exist_ok=True)
    for i in range(len(folder)):
        im, rows = folder.load(i)
        w, h = round(im.size[0] * k), round(im.size[1] * k)
        im, rows = im.resize((w, h), Image.BICUBIC), rows * np.array([0, k, k, k, k], np.float32)
        for y in starts(h):
            for x in starts(w):
                size = (min(PIECE, w), min(PIECE, h))
                part, mine, _ = cut(im, rows, None, (x, y, x + size[0], y + size[1]), size)
                wh = np.array(size * 2)
                part.save(to / f"{i:05d}-{x}-{y}.jpg", quality=95)
                (to / f"{i:05d}-{x}-{y}.txt").write_text("".join(
                    "0 {:.6f} {:.6f} {:.6f} {:.6f}\n".format(*np.concatenate(
                        ((r[1:3] + r[3:]) / 2, r[3:] - r[1:3])) / wh) for r in mine))


def beginning(o, folder, path):
    """A checkpoint of the shipped weights, as train.py --start wants it."""
    fused, names = fused_from_onnx(o.start)
    rng = random.Random(o.seed)
    shown = torch.stack([sample(folder, i % len(folder), o.size, rng)[0] for i in range(16)])
    model = unfuse(fused, shown)
    torch.save({"task": "detect", "scale": "n", "names": names, "ema": model.state_dict()}, path)


def scores_of(o, folder, settings):
    """[(plants there, scores found)] of the photos, with the model written."""
    o.detect = o.out
    answers = count(o, folder.paths, settings=settings)
    return [(len(folder.load(i)[1]), boxes_of(a)[1]) for i, a in enumerate(answers)]


def best_confidence(o, kept):
    """The confidence whose counts of photos that were not learned err least: the middle of those
    that are next to the best, which a few photos cannot tell apart."""
    rows = scores_of(o, kept, ["conf=0.05", "max_det=3000"])
    mape = np.array([errors([(n, int((s > c).sum())) for n, s in rows])["mape"] for c in CONFIDENCES])
    good = np.flatnonzero(mape <= mape.min() + 0.005)
    return round(float(CONFIDENCES[good[len(good) // 2]]), 2), float(mape.min())


def export(o, run, k, confidence):
    """Writes the model. Enlarged plants need small tiles; of others the scale of the start stays."""
    start = {p.key: p.value for p in onnx.load(o.start).metadata_props}
    scale = ["--tile", round(TILE / k)] if k > 1 else \
        ["--plant-px", start["demeter_plant_px"]] if "demeter_plant_px" in start else []
    command = [sys.executable, HERE / "export.py", run / "last.pt", o.out, "--imgsz", TILE, *scale,
               "--confidence", confidence, "--description", "Demeter plant detector, fine-tuned"]
    subprocess.run([str(c) for c in command], check=True)


def main():
    o = arguments()
    source = pictures_of(o.data)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        run = Path(o.run or work / "run")
        if o.points:
            source = from_points(source, work / "boxes")
        photos = Folder(source, o.classes)
        kept = photos.split(KEEP_BACK) if len(photos) >= 2 * KEEP_BACK else photos
        k = enlargement(photos)
        enlarged(photos, k, work / "shown")
        folder = Folder(work / "shown")
        beginning(o, folder, work / "start.pt")
        print(f"{len(photos)} photos, {len(folder)} pieces, {k:.2f} times as large", flush=True)
        command = [sys.executable, HERE / "train.py", "--data", work / "shown", "--names", "item",
                   "--size", o.size, "--batch", o.batch, "--lr", o.lr, "--minutes", o.minutes,
                   "--iterations", o.iterations, "--threads", o.threads, "--seed", o.seed,
                   "--ema", 0.99, "--start", work / "start.pt", "--out", run]
        subprocess.run([str(c) for c in command] + ["--bf16"] * o.bf16, check=True)
        export(o, run, k, 0.25)
        confidence, mape = best_confidence(o, kept)
        export(o, run, k, confidence)
        report = {"model": o.out, "tile_size": round(TILE / k), "confidence": confidence,
                  "mape_of_kept_back": round(mape, 4)}
        if o.test:
            test = pictures_of(o.test)
            if o.points:
                test = from_points(test, work / "test")
            e = errors([(n, len(s)) for n, s in scores_of(o, Folder(test, o.classes), ())])
            report["test"] = {key: round(e[key], 4) for key in ("pictures", "truth", "counted",
                                                                "bias", "mae", "mape")}
    print(json.dumps(report))
    print(f"demeter count --model-detect {o.out} PHOTO...")


if __name__ == "__main__":
    main()
