# SPDX-License-Identifier: Apache-2.0
"""Appendix A of the vision specification written out naively in numpy.

gen_ops_goldens.py holds each of these against the real OpenCV; where the two part, OpenCV is right
and docs/spec-corrections.md says so. Colours are RGB here.
"""
import numpy as np

GAUSS = {
    5: (16, 64, 96, 64, 16),
    9: (4, 13, 30, 51, 60, 51, 30, 13, 4),
    15: (1, 3, 6, 12, 20, 30, 36, 40, 36, 30, 20, 12, 6, 3, 1),
    21: (0, 2, 2, 4, 6, 11, 15, 20, 25, 28, 30, 28, 25, 20, 15, 11, 6, 4, 2, 2, 0),
}


def _axis(n_in, n_out):
    f = ((np.arange(n_out) + 0.5) * (1.0 / (n_out / n_in)) - 0.5).astype(np.float32)
    i = np.floor(f).astype(np.int64)
    return i, (f - i.astype(np.float32)).astype(np.float32)


def _weights(f):
    one = np.float32(2048)
    return np.rint((np.float32(1) - f) * one).astype(np.int64), np.rint(f * one).astype(np.int64)


def resize(img, w_out, h_out):
    """A.1"""
    h, w = img.shape[:2]
    p = img.astype(np.int64)
    if w == 2 * w_out and h == 2 * h_out:
        return ((p[0::2, 0::2] + p[0::2, 1::2] + p[1::2, 0::2] + p[1::2, 1::2] + 2) >> 2).astype(np.uint8)
    i, f = _axis(w, w_out)
    f[(i < 0) | (i >= w - 1)] = 0
    i = np.clip(i, 0, w - 1)
    a0, a1 = (a.reshape((1, -1) + (1,) * (p.ndim - 2)) for a in _weights(f))
    t = p[:, i] * a0 + p[:, np.minimum(i + 1, w - 1)] * a1
    j, f = _axis(h, h_out)
    b0, b1 = (b.reshape((-1,) + (1,) * (p.ndim - 1)) for b in _weights(f))
    t0, t1 = t[np.clip(j, 0, h - 1)], t[np.clip(j + 1, 0, h - 1)]
    return ((((b0 * (t0 >> 4)) >> 16) + ((b1 * (t1 >> 4)) >> 16) + 2) >> 2).astype(np.uint8)


def nearest(img, w_out, h_out):
    """A.2"""
    h, w = img.shape[:2]
    x = np.minimum(np.floor(np.arange(w_out) * (1.0 / (w_out / w))).astype(int), w - 1)
    y = np.minimum(np.floor(np.arange(h_out) * (1.0 / (h_out / h))).astype(int), h - 1)
    return img[y][:, x]


def reflect(i, n):
    if n == 1:
        return np.zeros_like(i)
    while ((i < 0) | (i >= n)).any():
        i = np.where(i < 0, -i, i)
        i = np.where(i >= n, 2 * n - 2 - i, i)
    return i


def gaussian(img, n):
    """A.3, 8-bit"""
    h, w = img.shape[:2]
    x, y = reflect(np.arange(-(n // 2), w + n // 2), w), reflect(np.arange(-(n // 2), h + n // 2), h)
    p = img.astype(np.int64)
    across = sum(k * p[:, x[i : i + w]] for i, k in enumerate(GAUSS[n]))
    down = sum(k * across[y[i : i + h]] for i, k in enumerate(GAUSS[n]))
    return ((down + 32768) >> 16).astype(np.uint8)


def _span(img, y, x0, x1, value):
    if 0 <= y < img.shape[0] and max(x0, 0) <= min(x1, img.shape[1] - 1):
        img[y, max(x0, 0) : min(x1, img.shape[1] - 1) + 1] = value


def circle(img, cx, cy, r, value=255):
    """A.4"""
    err, dx, dy, plus, minus = 0, r, 0, 1, 2 * r - 1
    while dx >= dy:
        for y, half in ((dy, dx), (-dy, dx), (dx, dy), (-dx, dy)):
            _span(img, cy + y, cx - half, cx + half, value)
        dy += 1
        err += plus
        plus += 2
        if err > 0:
            err -= minus
            dx -= 1
            minus -= 2


def _divide(a, b):
    """Truncating integer division."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _clip(w, h, p, q):
    """Ends of the part inside the canvas, whether there is one; y first, then x (not in the appendix)."""
    (x1, y1), (x2, y2) = p, q

    def codes(x, y):
        return (x < 0) + 2 * (x >= w), (y < 0) + 2 * (y >= h)

    (cx1, cy1), (cx2, cy2) = codes(x1, y1), codes(x2, y2)
    if not (cx1 & cx2 or cy1 & cy2) and (cx1 or cx2 or cy1 or cy2):
        if cy1:
            a = 0 if cy1 == 1 else h - 1
            x1, y1 = x1 + _divide((a - y1) * (x2 - x1), y2 - y1), a
        if cy2:
            a = 0 if cy2 == 1 else h - 1
            x2, y2 = x2 + _divide((a - y2) * (x2 - x1), y2 - y1), a
        (cx1, cy1), (cx2, cy2) = codes(x1, 0), codes(x2, 0)
        if not cx1 & cx2 and (cx1 or cx2):
            if cx1:
                a = 0 if cx1 == 1 else w - 1
                x1, y1, cx1 = a, y1 + _divide((a - x1) * (y2 - y1), x2 - x1), 0
            if cx2:
                a = 0 if cx2 == 1 else w - 1
                x2, y2, cx2 = a, y2 + _divide((a - x2) * (y2 - y1), x2 - x1), 0
    return (x1, y1), (x2, y2), not (cx1 or cx2 or cy1 or cy2)


def _line(img, p, q, value):
    h, w = img.shape
    p, q, inside = _clip(w, h, p, q)
    if not inside:
        return
    if q[0] < p[0]:
        p, q = q, p
    dx, dy, sy = q[0] - p[0], abs(q[1] - p[1]), -1 if q[1] < p[1] else 1
    x, y = p
    along, across = max(dx, dy), min(dx, dy)
    err = along - 2 * across
    for _ in range(along + 1):
        img[y, x] = value
        both = err < 0
        err += (2 * along if both else 0) - 2 * across
        x += 1 if dy <= dx or both else 0
        y += sy if dy > dx or both else 0


def polygon(img, points, value=255):
    """A.5"""
    h, w = img.shape
    edges = []
    for p, q in zip(points[-1:] + points[:-1], points):
        _line(img, p, q, value)
        if p[1] == q[1]:
            continue
        a, b, _ = _clip(w, h, p, q)
        if a[1] == b[1]:
            a, b = (a[0], p[1]), (b[0], q[1])
        dx = _divide((b[0] - a[0]) << 16, b[1] - a[1])
        top = a if p[1] < q[1] else b
        y0 = min(p[1], q[1])
        edges.append((y0, max(p[1], q[1]), (top[0] << 16) + (y0 - top[1]) * dx, dx))
    for y in range(h):
        xs = sorted(x + (y - y0) * dx for y0, y1, x, dx in edges if y0 <= y < y1)
        for x0, x1 in zip(xs[0::2], xs[1::2]):
            _span(img, y, (x0 + 65535) >> 16, x1 >> 16, value)


def hsv(rgb):
    """A.6"""
    i = np.arange(1, 256)
    sdiv = np.concatenate(([0], np.rint((255 << 12) / i))).astype(np.int64)
    hdiv = np.concatenate(([0], np.rint((180 << 12) / (6.0 * i)))).astype(np.int64)
    r, g, b = (rgb[..., k].astype(np.int64) for k in range(3))
    v = np.maximum(np.maximum(r, g), b)
    d = v - np.minimum(np.minimum(r, g), b)
    h = np.where(v == r, g - b, np.where(v == g, b - r + 2 * d, r - g + 4 * d))
    h = (h * hdiv[d] + 2048) >> 12
    return np.stack([np.where(h < 0, h + 180, h), (d * sdiv[v] + 2048) >> 12, v], -1).astype(np.uint8)


def lightness(rgb):
    """A.7"""
    u = np.arange(256) / 255
    lin = np.where(u <= 0.04045, u / 12.92, ((u + 0.055) / 1.055) ** 2.4)
    g = np.rint(2040 * lin).astype(np.int64)
    t = np.arange(2041) / 2040
    f = np.rint(32768 * np.where(t < 216 / 24389, t * 841 / 108 + 16 / 116, np.cbrt(t))).astype(np.int64)
    y = (871 * g[rgb[..., 0]] + 2929 * g[rgb[..., 1]] + 296 * g[rgb[..., 2]] + 2048) >> 12
    return ((296 * f[y] - 1336934 + 16384) >> 15).astype(np.uint8)


def otsu(histogram):
    """A.8"""
    eps = float(np.finfo(np.float32).eps)
    scale = 1.0 / sum(histogram)
    mu = sum(i * float(n) for i, n in enumerate(histogram)) * scale
    q1 = mu1 = best = 0.0
    threshold = 0
    for i, n in enumerate(histogram):
        p = n * scale
        mu1 *= q1
        q1 += p
        q2 = 1 - q1
        if min(q1, q2) < eps or max(q1, q2) > 1 - eps:
            continue
        mu1 = (mu1 + i * p) / q1
        mu2 = (mu - q1 * mu1) / q2
        s = q1 * q2 * (mu1 - mu2) * (mu1 - mu2)
        if s > best:
            best, threshold = s, i
    return threshold


def percentile(values, q):
    """A.9"""
    a = sorted(values)
    at = (len(a) - 1) * q
    i = int(at)
    lo, hi, t = a[i], a[min(i + 1, len(a) - 1)], at - i
    return hi - (hi - lo) * (1 - t) if t >= 0.5 else lo + (hi - lo) * t


def opening(mask):
    """A.10"""

    def filtered(img, outside, pick):
        h, w = img.shape
        p = np.pad(img, 1, constant_values=outside)
        return pick([p[y : y + h, x : x + w] for y in range(3) for x in range(3)], axis=0)

    return filtered(filtered(mask, 255, np.min), 0, np.max)


def contours(mask):
    """External borders by following them (the appendix gives none), last found first."""
    step = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
    h, w = mask.shape
    label = np.zeros((h + 2, w + 2), int)
    label[1:-1, 1:-1] = mask != 0
    found = []
    for y in range(1, h + 1):
        border = before = 0
        for x in range(1, w + 1):
            if label[y, x] == 1 and before == 0 and border <= 0:
                found.append(_follow(label, x, y, step))
            before = label[y, x]
            if before not in (0, 1):
                border = before
    return found[::-1]


def _follow(label, x0, y0, step):
    first = next((d for d in (3, 2, 1, 0, 7, 6, 5) if label[y0 + step[d][1], x0 + step[d][0]]), None)
    if first is None:
        label[y0, x0] = -2
        return [(x0 - 1, y0 - 1)]
    last = (x0 + step[first][0], y0 + step[first][1])
    x, y, back, came, points = x0, y0, first, first ^ 4, []
    while True:
        turn = next(k for k in range(1, 9) if label[y + step[(back + k) % 8][1], x + step[(back + k) % 8][0]])
        d = (back + turn) % 8
        if back + turn > 8:
            label[y, x] = -2
        elif label[y, x] == 1:
            label[y, x] = 2
        if d != came:
            points.append((x - 1, y - 1))
        nx, ny = x + step[d][0], y + step[d][1]
        if (nx, ny) == (x0, y0) and (x, y) == last:
            return points
        x, y, back, came = nx, ny, (d + 4) % 8, d
