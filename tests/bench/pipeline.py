#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The running Python pipeline, one photo: segmentation at 1024, containers (the whole photo when
there are none), sahi slices, band estimation, processed picture. As vision.md describes its code,
with the libraries' default settings on the CPU. SEGMENT "none" leaves the container pass out.

    pipeline.py DETECT SEGMENT PHOTO [--repeat N] [--serve] [--save avif|jpeg|none]

DETECT and SEGMENT are .onnx exports or .pt files. Prints one JSON object per run with the seconds
of each stage. Left out in Python's favour: the crop's JPEG round trip, database, storage, queue.
"""
import argparse
import json
import pathlib
import resource
import sys
import time

START = time.perf_counter()
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
import refenv  # noqa: F401

import cv2
import estimation
import numpy as np
from PIL import Image
from sahi import AutoDetectionModel
from sahi.predict import get_sliced_prediction
from ultralytics import YOLO

CONTAINER_NAMES = {"claro-cajon", "claro_cajon", "segmento", "segment", "cajon", "box", "plug",
                   "almacigo"}


class Clock:
    def __init__(self):
        self.stage, self.last = {}, time.perf_counter()

    def mark(self, name):
        now = time.perf_counter()
        self.stage[name] = self.stage.get(name, 0) + now - self.last
        self.last = now


def draw(bgr, found, n_estimated):
    over = bgr.copy()
    for cx, cy, bw, bh, _ in found:
        cv2.circle(over, (int(cx), int(cy)), int(min(int(bw), int(bh)) * 0.75 / 2),
                   (255, 255, 0), -1)
    out = cv2.addWeighted(bgr, 0.7, over, 0.3, 0)
    out = cv2.addWeighted(out, 0.8, cv2.GaussianBlur(out, (9, 9), 0), 0.2, 0)
    cv2.rectangle(out, (5, 5), (400, 100), (0, 0, 0), -1)
    mean = sum(f[4] for f in found) / len(found) if found else 0
    for k, text in enumerate((f"Detected: {len(found)}", f"Estimated: {n_estimated}",
                              f"Confidence: {mean * 100:.0f}%")):
        cv2.putText(out, text, (10, 30 + 30 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.8,
                    (255, 255, 255), 2)
    return out


def save(bgr, path, kind):
    rgb = Image.fromarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    if kind == "avif":
        rgb.save(path.with_suffix(".avif"), "AVIF", quality=85, speed=4)
    elif kind == "jpeg":
        rgb.save(path.with_suffix(".jpg"), "JPEG", quality=85)


class Pipeline:
    def __init__(self, detect, segment):
        self.segment = YOLO(segment, task="segment") if segment != "none" else None
        self.slices = AutoDetectionModel.from_pretrained(
            model_type="ultralytics", model_path=detect, confidence_threshold=0.25, device="cpu")
        self.direct = self.slices.model

    def containers(self, photo):
        result = self.segment.predict(photo, conf=0.30, iou=0.5, imgsz=1024, verbose=False)[0]
        if result.masks is None:
            return []
        return [(box, polygon) for box, polygon, c in zip(
            result.boxes.xyxyn.tolist(), result.masks.xyn, result.boxes.cls.tolist())
            if result.names[int(c)].lower() in CONTAINER_NAMES]

    def count(self, photo, out, kind):
        clock = Clock()
        containers = self.containers(photo) if self.segment else []
        clock.mark("segment")
        bgr = cv2.imread(photo)
        h, w = bgr.shape[:2]
        clock.mark("load")
        found, total = [], 0
        whole = [((0, 0, 1, 1), np.array([[0, 0], [1, 0], [1, 1], [0, 1]]))]
        containers = containers if self.segment else whole
        for (x1, y1, x2, y2), _ in containers:
            x1, y1, x2, y2 = int(x1 * w), int(y1 * h), int(x2 * w), int(y2 * h)
            crop = bgr[y1:y2, x1:x2]
            if min(crop.shape[:2]) >= 512:
                r = get_sliced_prediction(
                    cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), self.slices, slice_height=512,
                    slice_width=512, overlap_height_ratio=0.25, overlap_width_ratio=0.25,
                    perform_standard_pred=False, postprocess_type="GREEDYNMM",
                    postprocess_match_metric="IOS", postprocess_match_threshold=0.5, verbose=0)
                boxes = [(*p.bbox.to_xyxy(), p.score.value) for p in r.object_prediction_list]
                stage = r.durations_in_seconds
                clock.mark("slices")
                clock.stage["of_which_merge"] = stage["postprocess"]
            else:
                r = self.direct(crop, conf=0.25, verbose=False)[0].boxes.data.tolist()
                boxes = [b[:5] for b in r]
                clock.mark("direct")
            found += [(x1 + (a + c) / 2, y1 + (b + d) / 2, c - a, d - b, s)
                      for a, b, c, d, s in boxes]
        for _, polygon in containers:
            mask = np.zeros((h, w), np.uint8)
            cv2.fillPoly(mask, [(polygon * [w, h]).astype(np.int32)], 255)
            total += sum(row.count for row in
                         estimation.estimate(bgr, mask, [f[:4] for f in found]))
        clock.mark("estimate")
        picture = draw(bgr, found, total)
        clock.mark("draw")
        save(picture, out, kind)
        clock.mark("save")
        return len(found), total, clock.stage


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("detect")
    p.add_argument("segment")
    p.add_argument("photo")
    p.add_argument("--out", type=pathlib.Path, default=pathlib.Path("processed"))
    p.add_argument("--save", choices=["avif", "jpeg", "none"], default="avif")
    p.add_argument("--serve", action="store_true", help="stay, one run per line \"N\" on stdin")
    a = p.parse_args()
    import torch

    pipe = Pipeline(a.detect, a.segment)
    ready = time.perf_counter() - START
    if a.serve:
        pipe.count(a.photo, a.out, "none")
        print(f"ready ultralytics+sahi, torch {torch.__version__.split('+')[0]}", flush=True)
        for line in sys.stdin:
            times = []
            for _ in range(int(line)):
                start = time.perf_counter()
                pipe.count(a.photo, a.out, a.save)
                times.append((time.perf_counter() - start) * 1e3)
            print(" ".join(f"{t:.3f}" for t in times), flush=True)
        return 0
    n, estimated, stages = pipe.count(a.photo, a.out, a.save)
    print(json.dumps({
        "detected": n, "estimated": estimated, "start_s": round(ready, 3),
        "total_s": round(time.perf_counter() - START, 3),
        "stages_s": {k: round(v, 3) for k, v in stages.items()},
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
