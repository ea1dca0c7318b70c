# SPDX-License-Identifier: Apache-2.0
"""How well an exported detector finds and counts, on folders of labelled pictures.

    python training/evaluate.py models/plants-detect.onnx /tmp/heldout [--tiles] [--classes 0]

Without --tiles a picture is letterboxed into the net once; with it, it is cut as `demeter count`
does (512 px, a quarter overlap) and the boxes are merged by intersection over smaller area. Prints
AP50 and the count errors as JSON. Truth under --smallest pixels is neither asked for nor punished.
"""

import argparse
import json

import numpy as np
import onnxruntime
from PIL import Image

from data import Folder

TILE, OVERLAP = 512, 128


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("model")
    p.add_argument("data")
    p.add_argument("--classes", nargs="+", type=int, default=[0])
    p.add_argument("--tiles", action="store_true")
    p.add_argument("--conf", type=float, default=0.25, help="of a counted plant")
    p.add_argument("--smallest", type=float, default=0)
    p.add_argument("--limit", type=int)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rows", action="store_true", help="also one line a picture")
    return p.parse_args()


def iou_matrix(a, b, smaller=False):
    """Intersection over union, or over the smaller area. a [N, 4], b [M, 4]."""
    lt, rb = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.clip(rb - lt, 0, None).prod(2)
    area = lambda x: (x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1])  # noqa: E731
    sa, sb = area(a)[:, None], area(b)[None]
    return inter / (np.minimum(sa, sb) if smaller else sa + sb - inter + 1e-9)


def nms(boxes, scores, limit=0.7):
    order, keep = np.argsort(-scores, kind="stable"), []
    over = iou_matrix(boxes, boxes)
    gone = np.zeros(len(boxes), bool)
    for i in order:
        if not gone[i]:
            keep.append(i)
            gone |= over[i] > limit
    return np.array(keep, int)


def merge(boxes, scores, limit=0.5):
    """Greedy: a box swallows the weaker ones it shares half of the smaller area with."""
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order].copy(), scores[order]
    over = iou_matrix(boxes, boxes, smaller=True) >= limit
    gone, keep = np.zeros(len(boxes), bool), []
    for i in range(len(boxes)):
        if gone[i]:
            continue
        keep.append(i)
        for j in np.nonzero(over[i] & ~gone)[0]:
            if j > i:
                gone[j] = True
                if iou_matrix(boxes[i:i + 1], boxes[j:j + 1], smaller=True)[0, 0] > limit:
                    boxes[i] = np.concatenate((np.minimum(boxes[i, :2], boxes[j, :2]),
                                               np.maximum(boxes[i, 2:], boxes[j, 2:])))
    return boxes[keep], scores[keep]


class Net:
    def __init__(self, path, threads):
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads = threads
        self.run = onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])
        self.size = self.run.get_inputs()[0].shape[2]

    def __call__(self, im, conf):
        """Boxes [N, 4] in pixels of im, scores [N]."""
        w, h = im.size
        k = min(self.size / w, self.size / h)
        nw, nh = round(w * k), round(h * k)
        left, top = (self.size - nw) // 2, (self.size - nh) // 2
        a = np.full((self.size, self.size, 3), 114, np.uint8)
        a[top:top + nh, left:left + nw] = np.asarray(im.resize((nw, nh), Image.BILINEAR))
        x = a.transpose(2, 0, 1)[None].astype(np.float32) / 255
        out = self.run.run(["output0"], {"images": x})[0][0]
        score = out[4:].max(0)
        pick = score > conf
        c, score = out[:4, pick].T, score[pick]
        boxes = np.concatenate((c[:, :2] - c[:, 2:] / 2, c[:, :2] + c[:, 2:] / 2), 1)
        boxes = (boxes - (left, top, left, top)) / k
        boxes = boxes.clip(0, (w, h, w, h))
        keep = nms(boxes, score)[:300]
        return boxes[keep], score[keep]


def starts(length):
    if length <= TILE:
        return [0]
    out = list(range(0, length - TILE, TILE - OVERLAP))
    return out + [length - TILE]


def detect(net, im, tiles, conf):
    if not tiles or min(im.size) < TILE:
        return net(im, conf)
    boxes, scores = [np.zeros((0, 4))], [np.zeros(0)]
    for y in starts(im.size[1]):
        for x in starts(im.size[0]):
            b, s = net(im.crop((x, y, x + TILE, y + TILE)), conf)
            boxes.append(b + (x, y, x, y))
            scores.append(s)
    return merge(np.concatenate(boxes), np.concatenate(scores))


def match(boxes, scores, truth):
    """True positives at IoU 0.5, strongest first."""
    hit, used = np.zeros(len(boxes), bool), np.zeros(len(truth), bool)
    if len(truth) == 0 or len(boxes) == 0:
        return hit
    over = iou_matrix(boxes, truth)
    for i in np.argsort(-scores, kind="stable"):
        j = int(np.argmax(np.where(used, -1, over[i])))
        if not used[j] and over[i, j] >= 0.5:
            hit[i] = used[j] = True
    return hit


def average_precision(hits, scores, total):
    """Area under the precision envelope."""
    order = np.argsort(-scores, kind="stable")
    tp = np.cumsum(hits[order])
    recall, precision = tp / max(total, 1), tp / np.arange(1, len(tp) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate(([0], recall))) * envelope)) if len(tp) else 0.0


def main():
    o = arguments()
    net, folder = Net(o.model, o.threads), Folder(o.data, o.classes, o.limit)
    hits, scores, total, counts = [], [], 0, []
    for i in range(len(folder)):
        im, rows = folder.load(i)
        side = np.minimum(rows[:, 3] - rows[:, 1], rows[:, 4] - rows[:, 2])
        truth = rows[side >= o.smallest][:, 1:]
        # AP wants the weak boxes too; slicing multiplies them, so there the counted ones must do.
        b, s = detect(net, im, o.tiles, o.conf if o.tiles else 0.01)
        ok = match(b, s, truth)
        if o.smallest and len(b):  # found, but too small to be asked for
            small = np.minimum(b[:, 2] - b[:, 0], b[:, 3] - b[:, 1]) < o.smallest
            b, s, ok = b[ok | ~small], s[ok | ~small], ok[ok | ~small]
        hits.append(ok)
        scores.append(s)
        total += len(truth)
        counts.append((len(truth), int((s > o.conf).sum())))
        if o.rows:
            print(json.dumps({"picture": i, "truth": counts[-1][0], "count": counts[-1][1]}))
    c = np.array(counts, float)
    hits, scores = np.concatenate(hits), np.concatenate(scores)
    strong = scores > o.conf
    some = c[:, 0] > 0
    error = c[:, 1] - c[:, 0]
    print(json.dumps({
        "pictures": len(c), "truth": int(total), "counted": int(c[:, 1].sum()),
        "ap50": round(average_precision(hits, scores, total), 4),
        "precision": round(float(hits[strong].mean()) if strong.any() else 0, 4),
        "recall": round(float(hits[strong].sum() / max(total, 1)), 4),
        "mae": round(float(np.abs(error).mean()), 3), "bias": round(float(error.mean()), 3),
        "mape": round(float((np.abs(error[some]) / c[some, 0]).mean()), 4),
        "false_on_empty": int(c[~some, 1].sum()),
    }))


if __name__ == "__main__":
    main()
