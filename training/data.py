# SPDX-License-Identifier: Apache-2.0
"""Pictures with YOLO labels, and what is done to them before they are shown to the net.

A folder holds NAME.jpg (or .png) and NAME.txt, a line an object: "class cx cy w h" for boxes or
"class x y x y ..." for outlines, in fractions. The pictures stay compressed in memory; decoding
400 px costs two milliseconds against half a second of training.
"""

import copy
import io
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

SUFFIXES = (".jpg", ".jpeg", ".png")
SIDE_MIN = 3  # pixels; a smaller rest of an object is left out
KEEP = 0.3    # share of an object that a cut must leave of it


class Folder:
    """roots: folders. classes: ids to keep, renumbered in this order; everything else is
    background. smallest: pictures whose median object is less wide than this, in pixels, are left
    out. Outlines are kept as fractions in `outlines`, None for boxes."""

    def __init__(self, roots, classes=(0,), limit=None, smallest=0):
        self.items, self.paths = [], []
        wanted = {c: i for i, c in enumerate(classes)}
        files = [p for root in ([roots] if isinstance(roots, (str, Path)) else roots)
                 for p in sorted(Path(root).iterdir()) if p.suffix.lower() in SUFFIXES]
        for path in files[:limit]:
            rows, outlines = read_labels(label_of(path), wanted)
            if smallest and len(rows):
                w, h = Image.open(path).size
                if np.median(np.minimum(rows[:, 3] * w, rows[:, 4] * h)) < smallest:
                    continue
            self.items.append((path.read_bytes(), rows, outlines))
            self.paths.append(path)

    def __len__(self):
        return len(self.items)

    def split(self, every):
        """Take every `every`-th picture out; a folder of those."""
        out = copy.copy(self)
        for name in ("items", "paths"):
            mine = getattr(self, name)
            setattr(out, name, mine[every - 1::every])
            setattr(self, name, [x for i, x in enumerate(mine) if i % every != every - 1])
        return out

    def load(self, i):
        """RGB picture, labels [M, 5]: class, x1, y1, x2, y2 in pixels."""
        data, rows, _ = self.items[i]
        im = Image.open(io.BytesIO(data)).convert("RGB")
        w, h = im.size
        out = rows.copy()
        out[:, 1:3] = (rows[:, 1:3] - rows[:, 3:5] / 2) * (w, h)
        out[:, 3:5] = (rows[:, 1:3] + rows[:, 3:5] / 2) * (w, h)
        return im, out

    def outlines(self, i, size):
        """Outlines [M] of [n, 2] pixels of a picture of `size`, None where labels are boxes."""
        outlines = self.items[i][2]
        return None if outlines is None else [p * np.array(size, np.float32) for p in outlines]


def label_of(path):
    """NAME.txt beside NAME.jpg, or in the sister folder labels/ as data sets have it."""
    label = path.with_suffix(".txt")
    return label if label.exists() else path.parent.parent / "labels" / (path.stem + ".txt")


def read_labels(path, wanted):
    """Boxes [M, 5] (class, cx, cy, w, h) and, of a file of outlines, [M] of [n, 2]. No file: none."""
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    lines = [r for r in lines if r and int(r[0]) in wanted]
    if all(len(r) == 5 for r in lines) and lines:
        return np.array([(wanted[int(r[0])], *map(float, r[1:])) for r in lines], np.float32), None
    outlines = [np.array(r[1:], np.float32).reshape(-1, 2) for r in lines]
    rows = [(wanted[int(r[0])], *((p.min(0) + p.max(0)) / 2), *(p.max(0) - p.min(0)))
            for r, p in zip(lines, outlines)]
    return np.array(rows, np.float32).reshape(-1, 5), outlines


# ---- cuts ----

def clip_polygon(p, w, h):
    """Sutherland & Hodgman 1974 against the frame 0..w, 0..h."""
    for axis, edge, sign in ((0, 0, 1), (0, w, -1), (1, 0, 1), (1, h, -1)):
        if len(p) == 0:
            return p
        d = (p[:, axis] - edge) * sign
        out = []
        for k in range(len(p)):
            n = (k + 1) % len(p)
            if d[k] >= 0:
                out.append(p[k])
            if (d[k] >= 0) != (d[n] >= 0):
                out.append(p[k] + (p[n] - p[k]) * (d[k] / (d[k] - d[n])))
        p = np.array(out, np.float32).reshape(-1, 2)
    return p


def cut(im, rows, outlines, box, size):
    """`box` (x1, y1, x2, y2) of the picture, which may reach beyond it, scaled to size (w, h).
    An object of which less than KEEP remains is left out; of an outline any rest is kept, a
    container is one wherever the picture ends."""
    x1, y1, x2, y2 = box
    k = np.array([size[0] / (x2 - x1), size[1] / (y2 - y1)] * 2, np.float32)
    if x1 < 0 or y1 < 0 or x2 > im.size[0] or y2 > im.size[1]:
        im = im.transform(size, Image.AFFINE, (1 / k[0], 0, x1, 0, 1 / k[1], y1), Image.BILINEAR,
                          fillcolor=(114, 114, 114))
    else:
        im = im.resize(size, Image.BILINEAR, box=box)
    if len(rows) == 0:
        return im, rows, outlines
    out = rows.copy()
    out[:, 1:] = (rows[:, 1:] - (x1, y1, x1, y1)) * k
    if outlines is not None:
        outlines = [clip_polygon((p - (x1, y1)) * k[:2], *size) for p in outlines]
        for row, p in zip(out, outlines):
            row[1:] = (*p.min(0), *p.max(0)) if len(p) > 2 else 0
        ok = (out[:, 3] - out[:, 1] > 2 * SIDE_MIN) & (out[:, 4] - out[:, 2] > 2 * SIDE_MIN)
        return im, out[ok], [p for p, good in zip(outlines, ok) if good]
    area = (out[:, 3] - out[:, 1]) * (out[:, 4] - out[:, 2])
    out[:, 1:] = out[:, 1:].clip(0, np.array([*size, *size]))
    left = (out[:, 3] - out[:, 1]) * (out[:, 4] - out[:, 2])
    ok = ((left > KEEP * area) & (out[:, 3] - out[:, 1] > SIDE_MIN) &
          (out[:, 4] - out[:, 2] > SIDE_MIN))
    return im, out[ok], None


def piece(folder, i, size, rng, zoom):
    """A random cut of picture i for a field of `size`; zoom: range of the share of the largest cut
    of that shape. Array [h, w, 3] u8, rows, outlines."""
    im, rows = folder.load(i)
    outlines = folder.outlines(i, im.size)
    full = min(im.size[0] / size[0], im.size[1] / size[1])
    k = full * rng.uniform(*zoom)
    w, h = k * size[0], k * size[1]
    x, y = sorted((0, im.size[0] - w)), sorted((0, im.size[1] - h))
    x, y = rng.uniform(*x), rng.uniform(*y)
    im, rows, outlines = cut(im, rows, outlines, (x, y, x + w, y + h), size)
    return np.asarray(im), rows, outlines


def mosaic(folder, i, size, rng, zoom):
    """Four pictures, or cuts of them, around a point: edges of neighbouring scenes, and objects at
    half their size."""
    out = np.empty((size, size, 3), np.uint8)
    cx, cy = (int(size * rng.uniform(0.3, 0.7)) for _ in range(2))
    rows, outlines = [], []
    for n, (x, y, w, h) in enumerate(((0, 0, cx, cy), (cx, 0, size - cx, cy), (0, cy, cx, size - cy),
                                      (cx, cy, size - cx, size - cy))):
        j = i if n == 0 else rng.randrange(len(folder))
        a, r, o = piece(folder, j, (w, h), rng, zoom)
        out[y:y + h, x:x + w] = a
        rows.append(r + np.array([0, x, y, x, y], np.float32))
        outlines += [p + np.array([x, y], np.float32) for p in o or []]
    rows = np.concatenate(rows)
    return out, rows, outlines if len(outlines) == len(rows) else None


# ---- colours and the rest ----

def turn(a, rows, outlines, rng):
    """One of the eight symmetries of the square; the view from above has no upright."""
    size = a.shape[0]
    p = outlines or []
    if rng.random() < 0.5:
        a = a[:, ::-1]
        rows[:, [1, 3]] = size - rows[:, [3, 1]]
        p = [q * (-1, 1) + (size, 0) for q in p]
    if rng.random() < 0.5:
        a = a[::-1]
        rows[:, [2, 4]] = size - rows[:, [4, 2]]
        p = [q * (1, -1) + (0, size) for q in p]
    if rng.random() < 0.5:
        a = a.transpose(1, 0, 2)
        rows = rows[:, [0, 2, 1, 4, 3]]
        p = [q[:, ::-1] for q in p]
    return a, rows, None if outlines is None else p


def colour(a, rng):
    """Brightness, contrast, saturation, tint. a: float32 [H, W, 3], 0..1."""
    grey = a.mean(2, keepdims=True)
    a = grey + (a - grey) * rng.uniform(0.5, 1.4)
    a = a * np.array([rng.uniform(0.88, 1.12) for _ in range(3)], np.float32)
    a = (a - 0.45) * rng.uniform(0.75, 1.3) + 0.45
    a = a * rng.uniform(0.65, 1.4)
    return a.clip(0, 1) ** rng.uniform(0.8, 1.25)


def soften(a, rng):
    """A lens out of focus, or a picture blown up from fewer pixels. a: u8."""
    im = Image.fromarray(a)
    if rng.random() < 0.5:
        return np.asarray(im.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.4))))
    k = rng.uniform(0.45, 0.9)
    small = im.resize((max(8, int(a.shape[1] * k)), max(8, int(a.shape[0] * k))), Image.BOX)
    return np.asarray(small.resize((a.shape[1], a.shape[0]), Image.BICUBIC))


def noise(a, rng):
    """Sensor noise; half of the time the coarse kind of a phone's JPEG. a: float32."""
    sd = rng.uniform(0.005, 0.05)
    g = np.random.default_rng(rng.randrange(1 << 30))
    return (a + g.standard_normal(a.shape, np.float32) * sd).clip(0, 1)


def masks(outlines, size):
    """[M, size/4, size/4] of 0/1, the resolution of the prototypes."""
    s = size // 4
    out = np.zeros((len(outlines), s, s), np.uint8)
    for k, p in enumerate(outlines):
        im = Image.new("L", (s, s))
        ImageDraw.Draw(im).polygon([(float(x) / 4, float(y) / 4) for x, y in p], fill=1)
        out[k] = np.asarray(im)
    return torch.from_numpy(out)


def sample(folder, i, size, rng, task="detect", p_mosaic=0.0):
    """Tensor [3, size, size] u8/255, classes [M], boxes [M, 4], for segment also masks."""
    if rng.random() < p_mosaic:
        a, rows, outlines = mosaic(folder, i, size, rng, (0.5, 1.0))
    else:
        zoom = (0.45, 1.0) if rng.random() < 0.6 else (1.0, 1.0)
        if task == "segment":
            zoom = (0.55, 1.33)
        a, rows, outlines = piece(folder, i, (size, size), rng, zoom)
    a, rows, outlines = turn(a, rows.copy(), outlines, rng)
    if rng.random() < 0.25:
        a = soften(np.ascontiguousarray(a), rng)
    a = a.astype(np.float32) / 255
    if rng.random() < 0.8:
        a = colour(a, rng)
    if rng.random() < 0.25:
        a = noise(a, rng)
    t = torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1), dtype=np.float32))
    out = (t, torch.from_numpy(rows[:, 0].astype(np.int64)), torch.from_numpy(rows[:, 1:].copy()))
    return out + (masks(outlines or [], size),) if task == "segment" else out


def batches(folder, size, batch, seed, start=0, task="detect", p_mosaic=0.0, big=0, p_big=0.0):
    """Endless (images [B, 3, s, s], targets), the same for the same seed; start skips batches. A
    share p_big of them has pictures of `big` px instead and fewer of them."""
    n, step, epoch = len(folder), 0, 0
    fewer = max(1, round(batch * (size / big) ** 2)) if big else batch
    while True:
        order = list(range(n))
        random.Random(seed * 1000003 + epoch).shuffle(order)
        at = 0
        while at + batch <= n:
            rng = random.Random(seed * 7919 + step)
            side, count = (big, fewer) if rng.random() < p_big and big else (size, batch)
            step += 1
            if step > start:
                picks = [sample(folder, i, side, rng, task, p_mosaic) for i in order[at:at + count]]
                yield torch.stack([p[0] for p in picks]), [p[1:] for p in picks]
            at += count
        epoch += 1
