#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/data/vision/outlines.txt: small masks and what ultralytics' masks2segments makes of
them with strategy "all" (contours by OpenCV, joined into one walk).

Per case one line `case NAME W H M`, then H lines of W characters '.' or '#', then one line with the
M vertices as `x,y`.
"""
import argparse

import cv2
import numpy
import refenv
import torch
from ultralytics.utils.ops import masks2segments

CASES = 32


def make_mask(rng):
    w, h = rng.integers(12, 48), rng.integers(8, 32)
    mask = numpy.zeros((h, w), numpy.uint8)
    for _ in range(rng.integers(1, 7)):
        x, y = int(rng.integers(0, w)), int(rng.integers(0, h))
        if rng.random() < 0.6:
            cv2.circle(mask, (x, y), int(rng.integers(0, 7)), 1, -1)
        else:
            x2, y2 = x + int(rng.integers(0, 12)), y + int(rng.integers(0, 8))
            cv2.rectangle(mask, (x, y), (x2, y2), 1, int(rng.integers(0, 2)) * 2 - 1)
    return mask


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=refenv.ROOT / "tests/data/vision/outlines.txt")
    args = parser.parse_args()
    rng = numpy.random.default_rng(5)
    with open(args.out, "w", encoding="ascii") as out:
        for index in range(CASES):
            mask = make_mask(rng)
            segment = masks2segments(torch.from_numpy(mask)[None])[0].astype(int)
            h, w = mask.shape
            print("case", f"o{index:02d}", w, h, len(segment), file=out)
            for row in mask:
                print("".join(".#"[v] for v in row), file=out)
            print(*(f"{x},{y}" for x, y in segment), file=out)


if __name__ == "__main__":
    main()
