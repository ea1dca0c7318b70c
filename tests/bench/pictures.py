#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""12-megapixel photos for the bench, put together at run time from the shared test material.

    pictures.py DIR      writes DIR/plain.jpg, DIR/dense.jpg (4000x3000) and DIR/small.jpg

"plain": one nursery photo, scaled and mirrored outwards. "dense": small pictures full of things a
COCO net knows, side by side, so that the sliced count exceeds 500 boxes.
"""
import ast
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
import refenv

import cv2
import numpy as np
import onnx

W, H = 4000, 3000


def plain(material):
    im = cv2.imread(str(next((material / "photos/nursery").glob("echeveria-b*"))))
    side = H
    im = cv2.resize(im, (side, side), interpolation=cv2.INTER_LINEAR)
    return cv2.copyMakeBorder(im, 0, 0, (W - side) // 2, W - side - (W - side) // 2,
                              cv2.BORDER_REFLECT_101)


def dense(material):
    im = cv2.imread(str(material / "datasets/sahi_samples/small-vehicles1.jpeg"))
    im = cv2.resize(im, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    wide = np.hstack([im, im[:, ::-1]])
    both = np.vstack([wide, wide])
    reps = (-(-H // both.shape[0]), -(-W // both.shape[1]), 1)
    return np.tile(both, reps)[:H, :W]


def relabel(model, out):
    """The COCO segmentation net with every class called a container, so that the container pass has
    something to find."""
    m = onnx.load(model)
    for p in m.metadata_props:
        if p.key == "names":
            p.value = str({k: "segmento" for k in ast.literal_eval(p.value)})
    onnx.save(m, out)


def write_all(out):
    material = refenv.material_dir()
    out.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92]
    cv2.imwrite(str(out / "plain.jpg"), plain(material), quality)
    cv2.imwrite(str(out / "dense.jpg"), dense(material), quality)
    small = next((material / "photos/trays").glob("*brassica*"))
    (out / "small.jpg").write_bytes(small.read_bytes())


if __name__ == "__main__":
    write_all(pathlib.Path(sys.argv[1]))
