#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/data/vision/merge.txt: clusters of boxes and what sahi's GREEDYNMM makes of them.

Per case one line `case NAME N M TIES`, then N input lines and M result lines `x1 y1 x2 y2 score
class`, results by score descending. TIES is 1 when some scores are equal: there the pinned version
depends on the order of its spatial tree and can absorb a box twice (vision.md 5.3), so such cases
only document how far apart we are.
"""
import argparse
import random

import refenv
from sahi.postprocess.combine import GreedyNMMPostprocess
from sahi.prediction import ObjectPrediction

CASES = 36


def number(v):
    return format(v, ".17g")


def box(rng, x, y, side, jitter):
    """A box near (x, y), corners on a grid of 1/64 px so that f32 holds them exactly."""
    w, h = (side * (1 + rng.uniform(-jitter, jitter)) for _ in range(2))
    x1, y1 = (max(0, p + rng.uniform(-jitter, jitter) * side) for p in (x, y))
    return [round(v * 64) / 64 for v in (x1, y1, x1 + w, y1 + h)]


def score(rng, ties):
    steps = 8 if ties else 1 << 20
    return rng.randint(steps // 4, steps) / steps


def make_case(rng, index):
    ties = index % 6 == 5
    classes = 1 + index % 3
    boxes = []
    for _ in range(rng.randint(1, 6)):  # plants
        side = rng.uniform(12, 90)
        x, y = rng.uniform(0, 300), rng.uniform(0, 200)
        for _ in range(rng.randint(1, 7)):  # what overlapping tiles saw of it
            jitter = rng.choice((0.05, 0.3, 0.8))
            boxes.append(box(rng, x, y, side, jitter) + [score(rng, ties), rng.randrange(classes)])
    return boxes, ties


def merge(boxes):
    predictions = [
        ObjectPrediction(bbox=b[:4], score=b[4], category_id=b[5], category_name=str(b[5]),
                         full_shape=[400, 500], shift_amount=[0, 0]) for b in boxes
    ]
    if len(predictions) > 1:
        merger = GreedyNMMPostprocess(match_threshold=0.5, match_metric="IOS", class_agnostic=False)
        predictions = merger(predictions)
    found = [list(map(float, p.bbox.to_xyxy())) + [p.score.value, p.category.id] for p in predictions]
    return sorted(found, key=lambda b: (-b[4], *b[:4], b[5]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=refenv.ROOT / "tests/data/vision/merge.txt")
    args = parser.parse_args()
    rng = random.Random(20240511)
    with open(args.out, "w", encoding="ascii") as out:
        for index in range(CASES):
            boxes, ties = make_case(rng, index)
            found = merge(boxes)
            print("case", f"c{index:02d}", len(boxes), len(found), int(ties), file=out)
            for b in boxes + found:
                print(*map(number, b[:5]), b[5], file=out)


if __name__ == "__main__":
    main()
