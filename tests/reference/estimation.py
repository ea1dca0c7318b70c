#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The estimate of vision.md 8.1 to 8.5 in the arithmetic of the running Python: cv2 and numpy.

An implementation of its own, made of library calls where the C code has loops. Run by hand it checks
Appendix B of the specification and writes tests/data/ops/estimate.inc: what these scenes give.
Images are BGR here, as cv2 has them.
"""
import argparse
import dataclasses
import math

import cv2
import numpy as np
import pattern
import refenv

DEFAULT_AREA = 2500.0
ALPHA = 0.9
MIN_CALIBRATION = 10
BANDS = 4


@dataclasses.dataclass
class Band:
    y0: int
    y1: int
    residual: int = 0
    processed: int = 0
    area: float = DEFAULT_AREA
    count: int = 0
    method: str = "BANDS"


def detection_mask(h, w, detections):
    """8.1 steps 1 and 2, before binarising."""
    mask = np.zeros((h, w), np.uint8)
    for cx, cy, dw, dh in detections:
        cv2.circle(mask, (int(cx), int(cy)), int(max(int(dw), int(dh)) * 0.85), 255, -1)
    return cv2.GaussianBlur(mask, (15, 15), 0)


def residual_mask(mask, detections, claimed=None):
    _, seen = cv2.threshold(detection_mask(*mask.shape, detections), 127, 255, cv2.THRESH_BINARY)
    residual = cv2.bitwise_and(mask, cv2.bitwise_not(seen))
    return residual if claimed is None else cv2.bitwise_and(residual, cv2.bitwise_not(claimed))


def suppress_floor(bgr, band, scope):
    """8.3"""
    image = cv2.bitwise_and(bgr, bgr, mask=band)
    light = np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2LAB)[..., 0])
    if scope == "masked" and band.any():
        threshold, _ = cv2.threshold(light[band > 0], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        _, bright = cv2.threshold(light, threshold, 255, cv2.THRESH_BINARY)
    else:
        _, bright = cv2.threshold(light, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    soil = cv2.inRange(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), (0, 0, 0), (30, 40, 40))
    vegetation = cv2.bitwise_and(bright, cv2.bitwise_not(soil))
    vegetation = cv2.morphologyEx(vegetation, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return cv2.bitwise_and(band, vegetation)


def calibrate(detections, y0, y1):
    """8.4: mean area, or None when there are too few."""
    areas = np.array([w * h for _, cy, w, h in detections if y0 <= cy < y1])
    if len(areas) < MIN_CALIBRATION:
        return None
    q1, q3 = np.percentile(areas, 25), np.percentile(areas, 75)
    kept = areas[(areas >= q1 - 1.5 * (q3 - q1)) & (areas <= q3 + 1.5 * (q3 - q1))]
    return float(np.mean(kept)) if len(kept) else None


def estimate(bgr, mask, detections, claimed=None, scope="frame", alpha=ALPHA, density=None):
    """Rows of one container. density: (cm2 per plant, cm2 in the photo or 0, overlap) or None."""
    h, w = mask.shape
    residual = residual_mask(mask, detections, claimed)
    rows = []
    for b in range(BANDS):
        row = Band(b * (h // BANDS), (b + 1) * (h // BANDS) if b < BANDS - 1 else h)
        band = np.zeros_like(residual)
        band[row.y0 : row.y1] = residual[row.y0 : row.y1]
        processed = suppress_floor(bgr, band, scope)
        row.residual, row.processed = int(np.count_nonzero(band)), int(np.count_nonzero(processed))
        area = calibrate(detections, row.y0, row.y1)
        if row.processed and area:
            row.area, row.count = area, math.ceil(row.processed / (area * alpha))
        elif row.processed and density:
            per_plant, ground, overlap = density
            row.area = per_plant * (w * h / ground if ground > 0 else 100.0)
            row.count, row.method = round(row.processed / row.area * overlap), "DENSITY"
        elif row.processed:
            row.count = math.ceil(row.processed / (DEFAULT_AREA * alpha))
        rows.append(row)
    return rows


def flat(w, h, rgb):
    return np.full((h, w, 3), rgb[::-1], np.uint8)


def appendix_b():
    """The rows of Appendix B that concern the estimate. Any difference ends the script."""

    def of_size(sizes, y):
        return [(50.0 + i, y, s, s) for i, s in enumerate(sizes)]

    assert calibrate(of_size([40] * 15, 100), 0, 250) == 1600.0
    assert calibrate(of_size([40] * 5, 100), 0, 250) is None
    assert calibrate(of_size([40] * 12 + [200], 100), 0, 250) == 1600.0
    mixed = of_size([30, 32, 28] + [30] * 7, 100) + of_size([200, 220], 900)
    assert calibrate(mixed, 0, 250) == 900.0
    full = np.full((1003, 40), 255, np.uint8)
    limits = [(r.y0, r.y1) for r in estimate(flat(40, 1003, (50, 200, 50)), full, [])]
    assert limits == [(0, 250), (250, 500), (500, 750), (750, 1003)]
    full = np.full((1000, 1500), 255, np.uint8)
    rows = estimate(flat(1500, 1000, (50, 200, 50)), full, [])
    assert all((r.residual, r.processed, r.area, r.count) == (375000, 375000, 2500.0, 167) for r in rows)
    assert sum(r.count for r in rows) == 668
    assert math.ceil(10000 / (1000 * 0.9)) == math.ceil(10000 / (1000 * 0.85)) == 12
    half = flat(1500, 1000, (50, 200, 50))
    half[:, 750:] = (50, 40, 30)
    rows = estimate(half, full, [])
    assert all((r.residual, r.processed) == (375000, 187500) for r in rows)
    assert cv2.cvtColor(half, cv2.COLOR_BGR2LAB)[0, (0, -1), 0].tolist() == [181, 40]
    rows = estimate(half, np.zeros_like(full), [])
    assert all((r.residual, r.processed, r.area, r.count) == (0, 0, 2500.0, 0) for r in rows)
    print("Appendix B: all rows on the estimate hold")


SCENES = [
    # seed, w, h, detections, mask, claimed, scope, density (cm2 per plant, cm2 of ground, overlap)
    (1, 320, 240, 0, "FULL", None, "frame", None),
    (2, 320, 240, 60, "FULL", None, "frame", None),
    (3, 301, 203, 80, "DISKS", None, "frame", None),
    (4, 301, 203, 25, "DISKS", "DISKS", "frame", None),
    (5, 200, 333, 30, "DISKS", None, "masked", None),
    (6, 256, 257, 12, "FULL", "DISKS", "masked", (3.5, 0, 0.85)),
    (7, 400, 150, 45, "DISKS", None, "frame", (20.0, 900.0, 0.7)),
    (8, 97, 3, 2, "FULL", None, "frame", None),
    (9, 150, 120, 4, "SPARSE", None, "frame", None),
    (10, 333, 250, 150, "DENSE", None, "frame", None),
]


def scene_detections(seed, n, w, h):
    def value(i, lo, hi):  # 64ths are exact
        return pattern.integer(seed + 1000, i, 64 * lo, 64 * hi) / 64

    return [(value(4 * i, 0, w), value(4 * i + 1, 0, h), value(4 * i + 2, 4, 20), value(4 * i + 3, 4, 20)) for i in range(n)]


def scene_mask(kind, seed, w, h):
    return np.full((h, w), 255, np.uint8) if kind == "FULL" else pattern.image(kind, seed, w, h, 1)


def scene_rows():
    for seed, w, h, n, mask, claimed, scope, density in SCENES:
        bgr = np.ascontiguousarray(pattern.image("LEAVES", seed, w, h, 3)[..., ::-1])
        taken = None if claimed is None else scene_mask(claimed, seed + 500, w, h)
        rows = estimate(bgr, scene_mask(mask, seed, w, h), scene_detections(seed, n, w, h), taken, scope, density=density)
        per_plant, ground, overlap = density or (0, 0, 0)
        bands = ", ".join(
            f"{{{r.y0}, {r.y1}, {r.residual}, {r.processed}, {r.area.hex()}, {r.count}, VISION_METHOD_{r.method}}}"
            for r in rows
        )
        head = (seed, w, h, n, f'"{mask}"', f'"{claimed or "NONE"}"', f"VISION_OTSU_{scope.upper()}", per_plant,
                ground, overlap)
        yield "{" + ", ".join(str(v) for v in head) + ",\n {" + bands + "}},"


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    cv2.ipp.setUseIPP(False)
    appendix_b()
    path = refenv.ROOT / "tests/data/ops/estimate.inc"
    rows = "\n".join(scene_rows())
    path.write_text(
        "/* Generated by tests/reference/estimation.py from OpenCV and numpy; do not edit. */\n"
        f"// clang-format off\n{rows}\n// clang-format on\n"
    )
    print(f"OpenCV {cv2.__version__}: {len(SCENES)} scenes -> {path}")


if __name__ == "__main__":
    main()
