#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/data/vision/nms.txt: boxes and what ultralytics' non_max_suppression keeps.

Per case one line `case NAME N M CONF IOU MAX_DET`, then N lines `cx cy w h score class` in network
pixels as the head gives them, and one line with the M kept indices in the order returned. Scores of
a case are all different: the order of equal scores is undefined there.
"""
import argparse
import random

import refenv
import torch
import torchvision
from ultralytics.utils import nms

CASES = 24
CLASSES = 5


def f32(v):
    return torch.tensor(v, dtype=torch.float32).item()


def make_case(rng):
    """Clusters of boxes around a few plants, sides a few to a few hundred pixels."""
    rows = []
    scores = rng.sample(range(1, 1 << 20), 64)
    for _ in range(rng.randint(1, 8)):
        cx, cy, side = rng.uniform(0, 640), rng.uniform(0, 640), rng.uniform(4, 200)
        for _ in range(rng.randint(1, 7)):
            jitter = [rng.uniform(-0.25, 0.25) * side for _ in range(4)]
            rows.append([f32(cx + jitter[0]), f32(cy + jitter[1]), f32(side + jitter[2]),
                         f32(side + jitter[3]), f32(scores.pop() / (1 << 20)), rng.randrange(CLASSES)])
    rng.shuffle(rows)
    return rows if len(rows) != 6 else rows[1:]  # six columns would pass for an end-to-end model


def keep(rows, conf, iou, max_det):
    prediction = torch.zeros(1, 4 + CLASSES, len(rows))
    for i, (cx, cy, w, h, score, class_id) in enumerate(rows):
        prediction[0, :4, i] = torch.tensor([cx, cy, w, h])
        prediction[0, 4 + class_id, i] = score
    _, index = nms.non_max_suppression(prediction, conf, iou, max_det=max_det, return_idxs=True)
    return [int(i) for i in index[0]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=refenv.ROOT / "tests/data/vision/nms.txt")
    args = parser.parse_args()
    assert torchvision  # loaded first: then the library uses its kernel
    rng = random.Random(7)
    with open(args.out, "w", encoding="ascii") as out:
        for index in range(CASES):
            conf, iou, max_det = (0.25, 0.7, 300) if index % 2 else (0.3, 0.5, 5 + index)
            rows = make_case(rng)
            kept = keep(rows, conf, iou, max_det)
            print("case", f"n{index:02d}", len(rows), len(kept), conf, iou, max_det, file=out)
            for r in rows:
                print(*(format(v, ".9g") for v in r[:5]), r[5], file=out)
            print(*kept, file=out)


if __name__ == "__main__":
    main()
