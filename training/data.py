# SPDX-License-Identifier: Apache-2.0
"""Pictures with YOLO labels, and what is done to them before they are shown to the net.

A folder holds NAME.jpg (or .png) and NAME.txt with "class cx cy w h" lines in fractions. The
pictures stay compressed in memory; decoding 320 px costs a millisecond against seconds of training.
"""

import io
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png")


class Folder:
    """classes: ids to keep, renumbered in this order; everything else is background. smallest:
    pictures whose median object is less wide than this, in pixels, are left out."""

    def __init__(self, roots, classes=(0,), limit=None, smallest=0):
        self.items = []
        wanted = {c: i for i, c in enumerate(classes)}
        files = [p for root in ([roots] if isinstance(roots, str) else roots)
                 for p in sorted(Path(root).iterdir()) if p.suffix.lower() in SUFFIXES]
        for path in files[:limit]:
            label = path.with_suffix(".txt")
            if not label.exists():
                label = path.parent.parent / "labels" / (path.stem + ".txt")
            rows = [line.split() for line in label.read_text().splitlines()] if label.exists() else []
            rows = [(wanted[int(r[0])], *map(float, r[1:5])) for r in rows if int(r[0]) in wanted]
            rows = np.array(rows, np.float32).reshape(-1, 5)
            if smallest and len(rows):
                w, h = Image.open(path).size
                if np.median(np.minimum(rows[:, 3] * w, rows[:, 4] * h)) < smallest:
                    continue
            self.items.append((path.read_bytes(), rows))

    def __len__(self):
        return len(self.items)

    def load(self, i):
        """RGB picture, labels [M, 5]: class, x1, y1, x2, y2 in pixels."""
        data, rows = self.items[i]
        im = Image.open(io.BytesIO(data)).convert("RGB")
        w, h = im.size
        out = rows.copy()
        out[:, 1:3] = (rows[:, 1:3] - rows[:, 3:5] / 2) * (w, h)
        out[:, 3:5] = (rows[:, 1:3] + rows[:, 3:5] / 2) * (w, h)
        return im, out


def window(im, rows, box, size, keep=0.3):
    """Cut `box` (x1, y1, x2, y2) out of the picture and scale it to size x size. Objects of which
    less than `keep` remains are dropped."""
    x1, y1, x2, y2 = box
    k = size / (x2 - x1)
    im = im.resize((size, size), Image.BILINEAR, box=box)
    if len(rows) == 0:
        return im, rows
    out = rows.copy()
    out[:, [1, 3]] = ((rows[:, [1, 3]] - x1) * k)
    out[:, [2, 4]] = ((rows[:, [2, 4]] - y1) * k)
    area = (out[:, 3] - out[:, 1]) * (out[:, 4] - out[:, 2])
    out[:, 1:] = out[:, 1:].clip(0, size)
    left = (out[:, 3] - out[:, 1]) * (out[:, 4] - out[:, 2])
    ok = (left > keep * area) & (out[:, 3] - out[:, 1] > 3) & (out[:, 4] - out[:, 2] > 3)
    return im, out[ok]


def turn(a, rows, rng):
    """One of the eight symmetries of the square; the view from above has no upright."""
    size = a.shape[0]
    if rng.random() < 0.5:
        a = a[:, ::-1]
        rows[:, [1, 3]] = size - rows[:, [3, 1]]
    if rng.random() < 0.5:
        a = a[::-1]
        rows[:, [2, 4]] = size - rows[:, [4, 2]]
    if rng.random() < 0.5:
        a = a.transpose(1, 0, 2)
        rows = rows[:, [0, 2, 1, 4, 3]]
    return a, rows


def colour(a, rng):
    """Brightness, contrast, saturation, tint. a: float32 [H, W, 3], 0..1."""
    grey = a.mean(2, keepdims=True)
    a = grey + (a - grey) * rng.uniform(0.5, 1.4)
    a = a * np.array([rng.uniform(0.88, 1.12) for _ in range(3)], np.float32)
    a = (a - 0.45) * rng.uniform(0.75, 1.3) + 0.45
    a = a * rng.uniform(0.65, 1.4)
    return a.clip(0, 1) ** rng.uniform(0.8, 1.25)


def sample(folder, i, size, rng, augment=True):
    """Tensor [3, size, size] u8/255, classes [M], boxes [M, 4]."""
    im, rows = folder.load(i)
    w, h = im.size
    side = min(w, h)
    if augment and rng.random() < 0.6:
        side *= rng.uniform(0.6, 1.0)
    x, y = rng.uniform(0, w - side), rng.uniform(0, h - side)
    im, rows = window(im, rows, (x, y, x + side, y + side), size)
    a = np.asarray(im, np.float32) / 255
    if augment:
        a, rows = turn(a, rows.copy(), rng)
        if rng.random() < 0.8:
            a = colour(a, rng)
    t = torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1), dtype=np.float32))
    return t, torch.from_numpy(rows[:, 0].astype(np.int64)), torch.from_numpy(rows[:, 1:].copy())


def batches(folder, size, batch, seed, start=0):
    """Endless (images [B, 3, s, s], targets), the same for the same seed; start skips batches."""
    n, step = len(folder), 0
    epoch = 0
    while True:
        order = list(range(n))
        random.Random(seed * 1000003 + epoch).shuffle(order)
        for j in range(0, n - batch + 1, batch):
            step += 1
            if step <= start:
                continue
            rng = random.Random(seed * 7919 + step)
            picks = [sample(folder, i, size, rng) for i in order[j:j + batch]]
            yield torch.stack([p[0] for p in picks]), [(p[1], p[2]) for p in picks]
        epoch += 1
