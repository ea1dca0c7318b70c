#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the real libraries find on the shared photos: the figures our program is held against.

For every shared photo, and for some pictures of the sample sets that are fuller of things a COCO
net knows: ultralytics on the whole photo (static export, and dynamic export with its smaller
rectangle), on 20 random tiles of 512 px, on the photo at 1024 px with the segmentation net (boxes,
masks, contours), and sahi's sliced prediction; each at the usual confidence and, where it says
"low", at 0.05, so that quiet photos test something too. All with the ONNX exports, f32 on ONNX
Runtime, on the pixels OpenCV decodes. Beside each list stand the candidates that a difference of
one rounding could move over a threshold ("edges"), so that a comparison can tell a rounding tie
from a mistake instead of being blind to both.

    gen_goldens.py [--out DIR] [--material DIR] [--models DIR] [--only SUBSTRING ...]

One JSON file per photo, named by the first 16 hex digits of the photo's SHA-256.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import sys
import zlib

import refenv

import cv2
import numpy as np
import onnxruntime
import sahi
import shapely
import torch
import ultralytics
from sahi import AutoDetectionModel
from sahi import predict as sahi_predict
from sahi.predict import get_sliced_prediction
from ultralytics import YOLO

TILES_PER_PHOTO, TILE_PX, TILE_SEED = 20, 512, 20
CONF, IOU, SIZE = 0.25, 0.7, 640
LOW_CONF = 0.05
SEG_CONF, SEG_IOU, SEG_SIZE = 0.30, 0.5, 1024
SLICE_PX, SLICE_OVERLAP, SLICE_MATCH = 512, 0.25, 0.5
SCORE_EDGE = 1e-3  # as the acceptance's score tolerance
OVERLAP_EDGE = 2e-3  # IoU and IOS: what 0.05 px does to a box of 50 px


def random_tiles(w, h, sha):
    """Rectangles [x, y, w, h]; depends only on the photo's content and size."""
    rng = np.random.default_rng([TILE_SEED, int(sha[:8], 16)])
    tw, th = min(TILE_PX, w), min(TILE_PX, h)
    tiles = [[int(rng.integers(0, w - tw + 1)), int(rng.integers(0, h - th + 1)), tw, th]
             for _ in range(TILES_PER_PHOTO)]
    return [t for k, t in enumerate(tiles) if t not in tiles[:k]]  # a small photo has but one


class Net:
    """An Ultralytics model that also hands over the raw head of its last prediction."""

    def __init__(self, path, task):
        self.yolo = YOLO(str(path), task=task)
        self.raw = None
        self.net_shape = None

    def predict(self, bgr, **kw):
        if self.yolo.predictor is None:  # the first call builds the predictor
            self.yolo.predict(np.zeros((32, 32, 3), np.uint8), verbose=False, **kw)
            predictor = self.yolo.predictor
            postprocess = predictor.postprocess

            def tapped(preds, img, *args, **kwargs):
                head = preds[0] if isinstance(preds, (list, tuple)) else preds
                self.raw = head.clone()[0].numpy()  # NMS rewrites the boxes in place
                self.net_shape = tuple(img.shape[2:])
                return postprocess(preds, img, *args, **kwargs)

            predictor.postprocess = tapped
        return self.yolo.predict(bgr, verbose=False, **kw)[0]


def rows(boxes):
    """[x1, y1, x2, y2, score, class] rounded as compared: 1e-3 px, 1e-5."""
    return [[round(float(v), 3) for v in b[:4]] + [round(float(b[4]), 5), int(b[5])]
            for b in boxes.data.tolist()]


def overlap(a, b, smaller=False):
    """IoU (or IOS) of boxes a [n,4] with b [m,4], f64."""
    a, b = np.asarray(a, np.float64)[:, None, :4], np.asarray(b, np.float64)[None, :, :4]
    wh = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    inter = wh[..., 0] * wh[..., 1]
    area_a = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1])
    area_b = (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    lower = np.minimum(area_a, area_b) if smaller else area_a + area_b - inter
    return np.divide(inter, lower, out=np.zeros_like(inter), where=lower > 0)


def edges(raw, shape, net_shape, nc, conf, iou):
    """Candidates a rounding could move: in photo pixels, [x1,y1,x2,y2,score,class,kind].

    kind "score": the score lies within SCORE_EDGE of conf; "iou": its IoU with a better candidate
    of its class lies within OVERLAP_EDGE of the threshold; "class": its two best classes are within
    SCORE_EDGE; "order": a better candidate that it overlaps has the same score within 1e-5.
    """
    p = raw.T.astype(np.float64)
    cls = p[:, 4:4 + nc]
    best = cls.argmax(1)
    score = cls[np.arange(len(cls)), best]
    pick = score > conf - SCORE_EDGE
    p, cls, best, score = p[pick], cls[pick], best[pick], score[pick]
    order = np.argsort(-score, kind="stable")
    p, cls, best, score = p[order], cls[order], best[order], score[order]
    box = np.stack([p[:, 0] - p[:, 2] / 2, p[:, 1] - p[:, 3] / 2,
                    p[:, 0] + p[:, 2] / 2, p[:, 1] + p[:, 3] / 2], 1)
    gain = min(net_shape[0] / shape[0], net_shape[1] / shape[1])
    pad = [round((net_shape[1] - shape[1] * gain) / 2 - 0.1),
           round((net_shape[0] - shape[0] * gain) / 2 - 0.1)] * 2
    out = (box - pad) / gain
    out[:, 0::2] = out[:, 0::2].clip(0, shape[1])
    out[:, 1::2] = out[:, 1::2].clip(0, shape[0])
    second = np.sort(cls, 1)[:, -2] if nc > 1 else np.zeros(len(cls))
    ov = overlap(box, box) if len(box) else np.zeros((0, 0))
    found = []
    for i in range(len(box)):
        same = (best[:i] == best[i])
        kind = None
        if abs(score[i] - conf) < SCORE_EDGE:
            kind = "score"
        elif nc > 1 and score[i] - second[i] < SCORE_EDGE:
            kind = "class"
        elif (same & (np.abs(ov[i, :i] - iou) < OVERLAP_EDGE)).any():
            kind = "iou"
        elif (same & (ov[i, :i] > iou - OVERLAP_EDGE) & (score[:i] - score[i] < 1e-5)).any():
            kind = "order"
        if kind:
            found.append([round(v, 2) for v in out[i].tolist()] +
                         [round(float(score[i]), 5), int(best[i]), kind])
    return found


def merge_rule(b, tree_order=False):
    """GREEDYNMM/IOS as vision.md 5.3 decides it, naively: matches in score order, ties by the
    coordinate tuple, no second absorption. b [n,6] f64 -> merged rows, score descending.

    tree_order visits the matches in the order of shapely's spatial tree instead, as sahi 0.11.36
    does: where that gives sahi's answer, the order alone is what differs."""
    out = []
    for c in sorted(set(b[:, 5])):
        k = b[b[:, 5] == c]
        # Of equal scores the larger tuple first: sahi lets only smaller ones be absorbed.
        k = k[np.lexsort([-k[:, 3], -k[:, 2], -k[:, 1], -k[:, 0], -k[:, 4]])]
        if tree_order:
            k = b[b[:, 5] == c]
            k = k[np.argsort(-k[:, 4], kind="stable")]
        f = k[:, :4].astype(np.float32).astype(np.float64)
        area = ((f[:, 2] - f[:, 0]).astype(np.float32) * (f[:, 3] - f[:, 1]).astype(np.float32))
        shapes = [shapely.geometry.box(*r) for r in f.tolist()]
        tree = shapely.STRtree([shapely.geometry.box(*r[:4]) for r in
                                b[b[:, 5] == c].astype(np.float32).astype(np.float64).tolist()])
        where = {tuple(r): j for j, r in enumerate(k.tolist())}
        index = [where[tuple(r)] for r in b[b[:, 5] == c].tolist()]
        taken = np.zeros(len(k), bool)
        for i in range(len(k)):
            if taken[i]:
                continue
            taken[i] = True
            w = np.minimum(f[i, 2], f[:, 2]) - np.maximum(f[i, 0], f[:, 0])
            h = np.minimum(f[i, 3], f[:, 3]) - np.maximum(f[i, 1], f[:, 1])
            inter = np.clip(w, 0, None) * np.clip(h, 0, None)
            small = np.minimum(area[i], area).astype(np.float64)
            ios = np.divide(inter, small, out=np.zeros_like(inter), where=small > 0)
            order = [index[j] for j in tree.query(shapes[i])] if tree_order else range(len(k))
            grown = k[i].copy()
            for j in order:
                if taken[j] or ios[j] < SLICE_MATCH:
                    continue
                taken[j] = True
                if overlap(grown[None], k[j][None], smaller=True)[0, 0] > SLICE_MATCH:
                    grown[:2] = np.minimum(grown[:2], k[j, :2])
                    grown[2:4] = np.maximum(grown[2:4], k[j, 2:4])
            out.append(grown)
    out = np.array(out).reshape(-1, 6)
    return out[np.lexsort([out[:, 3], out[:, 2], out[:, 1], out[:, 0], -out[:, 4]])]


def box_rows(b):
    return [[round(float(v), 3) for v in r[:4]] + [round(float(r[4]), 5), int(r[5])] for r in b]


class Slicer:
    """sahi's sliced prediction, and the boxes it had before merging."""

    def __init__(self, model_path):
        self.model = AutoDetectionModel.from_pretrained(
            model_type="ultralytics", model_path=str(model_path), confidence_threshold=CONF,
            device="cpu")
        self.seen = []
        real, seen = sahi_predict.POSTPROCESS_NAME_TO_CLASS["GREEDYNMM"], self.seen

        class Tapped(real):
            def __call__(self, predictions):
                seen.extend(predictions)
                return super().__call__(predictions)

        sahi_predict.POSTPROCESS_NAME_TO_CLASS["TAPPED"] = Tapped

    @staticmethod
    def table(predictions, order=True):
        t = np.array([[*p.bbox.to_xyxy(), p.score.value, p.category.id] for p in predictions],
                     np.float64).reshape(-1, 6)
        return t[np.argsort(-t[:, 4], kind="stable")] if order else t

    def __call__(self, rgb, conf):
        """sahi's answer, our rule's answer on the same tile boxes, and pairs at the threshold."""
        self.model.confidence_threshold = conf
        self.seen.clear()
        result = get_sliced_prediction(
            rgb, self.model, slice_height=SLICE_PX, slice_width=SLICE_PX,
            overlap_height_ratio=SLICE_OVERLAP, overlap_width_ratio=SLICE_OVERLAP,
            perform_standard_pred=False, verbose=0, postprocess_type="TAPPED",
            postprocess_match_metric="IOS", postprocess_match_threshold=SLICE_MATCH)
        got = self.table(result.object_prediction_list)
        before = self.table(self.seen or result.object_prediction_list, order=False)
        rule, tree = merge_rule(before), merge_rule(before, tree_order=True)
        ov = overlap(before, before, smaller=True) if len(before) else np.zeros((0, 0))
        tied = (np.abs(ov - SLICE_MATCH) < OVERLAP_EDGE) & (before[:, 5][:, None] == before[:, 5])
        key = lambda t: sorted(map(tuple, box_rows(t)))
        return {"conf": conf, "sahi": box_rows(got), "rule": box_rows(rule),
                "before_merge": len(before), "edge_boxes": box_rows(before[tied.any(1)]),
                "rule_is_sahi": key(rule) == key(got),
                "tree_order_is_sahi": key(tree) == key(got),
                "equal_scores": int(len(before) - len(set(before[:, 4].tolist())))}


def pack_mask(m):
    """Binary mask -> its bounding box, area and the zlib-packed bits of the box, base64."""
    ys, xs = np.nonzero(m)
    x, y, x2, y2 = int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
    bits = np.packbits(m[y:y2, x:x2] != 0)
    return {"rect": [x, y, x2 - x, y2 - y], "area": int((m != 0).sum()),
            "bits": base64.b64encode(zlib.compress(bits.tobytes(), 9)).decode()}


def segment(net, bgr, size):
    r = net.predict(bgr, conf=SEG_CONF, iou=SEG_IOU, imgsz=size)
    out = {"conf": SEG_CONF, "iou": SEG_IOU, "size": size, "net": list(net.net_shape),
           "boxes": rows(r.boxes), "masks": [],
           "edges": edges(net.raw, bgr.shape, net.net_shape, len(net.yolo.names), SEG_CONF, SEG_IOU)}
    if r.masks is not None:
        for m, xy in zip(r.masks.data.numpy(), r.masks.xy):
            out["masks"].append(pack_mask(m) | {
                "contour": [[round(float(v), 2) for v in p] for p in xy]})
    return out


def view(net, bgr, rect, conf):
    x, y, w, h = rect
    tile = np.ascontiguousarray(bgr[y:y + h, x:x + w])
    r = net.predict(tile, conf=conf, iou=IOU, imgsz=SIZE)
    return {"rect": rect, "boxes": rows(r.boxes),
            "edges": edges(net.raw, tile.shape, net.net_shape, len(net.yolo.names), conf, IOU)}


def versions():
    return {"ultralytics": ultralytics.__version__, "sahi": sahi.__version__,
            "opencv": cv2.__version__, "onnxruntime": onnxruntime.__version__,
            "torch": torch.__version__, "shapely": shapely.__version__, "numpy": np.__version__}


def golden(path, nets):
    data = path.read_bytes()
    sha = hashlib.sha256(data).hexdigest()
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    h, w = bgr.shape[:2]
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    tiles = random_tiles(w, h, sha)
    detect = nets["detect"]
    whole = [0, 0, w, h]
    return {
        "photo": path.name, "set": path.parent.name, "sha256": sha, "w": w, "h": h,
        "pixels_sha256": hashlib.sha256(rgb.tobytes()).hexdigest(), "versions": versions(),
        "conf": CONF, "iou": IOU, "size": SIZE, "low_conf": LOW_CONF,
        "direct": view(detect, bgr, whole, CONF),
        "direct_low": view(detect, bgr, whole, LOW_CONF),
        "direct_rect_low": view(nets["dynamic"], bgr, whole, LOW_CONF),
        "tiles": [view(detect, bgr, t, CONF) for t in tiles],
        "tiles_low": [view(detect, bgr, t, LOW_CONF) for t in tiles],
        "slice": nets["slicer"](rgb, CONF),
        "slice_low": nets["slicer"](rgb, LOW_CONF),
        "segment": segment(nets["segment"], bgr, SEG_SIZE),
    }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--out", type=pathlib.Path, default=refenv.ROOT / "tests/data/golden/photos")
    p.add_argument("--material", type=pathlib.Path, default=refenv.material_dir())
    p.add_argument("--models", type=pathlib.Path, default=refenv.models_dir())
    p.add_argument("--only", nargs="*", help="photos whose path contains one of these")
    a = p.parse_args()
    photos = refenv.photos(a.material) + refenv.extra_pictures(a.material)
    if not photos or not (a.models / "yolo11n.onnx").exists():
        print(f"skipped: no photos at {a.material} or no exports at {a.models}")
        return 77
    a.out.mkdir(parents=True, exist_ok=True)
    nets = {"detect": Net(a.models / "yolo11n.onnx", "detect"),
            "dynamic": Net(a.models / "yolo11n-dynamic.onnx", "detect"),
            "segment": Net(a.models / "yolo11n-seg-1024.onnx", "segment"),
            "slicer": Slicer(a.models / "yolo11n.onnx")}
    for path in photos:
        if a.only and not any(s in str(path) for s in a.only):
            continue
        g = golden(path, nets)
        out = a.out / f"{g['sha256'][:16]}.json"
        out.write_text(json.dumps(g, separators=(",", ":")) + "\n")
        s, low = g["slice"], g["slice_low"]
        print(f"{path.name[:44]:44s} {g['w']:4d}x{g['h']:<4d} direct {len(g['direct']['boxes']):3d} "
              f"tiles {sum(len(t['boxes']) for t in g['tiles']):4d} "
              f"low {sum(len(t['boxes']) for t in g['tiles_low']):4d} "
              f"sliced {len(s['sahi']):3d}/{s['before_merge']:3d} {s['rule_is_sahi']:d}"
              f"{s['tree_order_is_sahi']:d} low {len(low['sahi']):4d}/{low['before_merge']:4d} "
              f"{low['rule_is_sahi']:d}{low['tree_order_is_sahi']:d} "
              f"seg {len(g['segment']['boxes']):2d} {out.stat().st_size // 1024} KiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
