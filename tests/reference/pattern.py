# SPDX-License-Identifier: Apache-2.0
"""The pictures of tests/support/pattern.h, byte for byte, so that goldens need no committed input."""
import zlib

import numpy as np

KINDS = ("NOISE", "BINARY", "SMOOTH", "SPARSE", "DENSE", "DISKS", "LEAVES")


def mix(seed, i):
    """Values i (array) of stream seed."""
    z = (np.uint64(seed) << np.uint64(32)) | np.asarray(i, np.uint64)
    with np.errstate(over="ignore"):
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def integer(seed, i, lo, hi):
    return lo + int(mix(seed, i) >> np.uint64(32)) % (hi - lo + 1)


def wave(u):
    return np.minimum(np.abs(u % 512 - 256), 255)


def disks(seed, x, y, w, h):
    inside = np.zeros(np.broadcast(x, y).shape, bool)
    for k in range(6):
        dx = x - integer(seed, 3 * k, 0, w - 1)
        dy = y - integer(seed, 3 * k + 1, 0, h - 1)
        r = integer(seed, 3 * k + 2, 1, min(w, h) // 3 + 2)
        d2 = dx * dx + dy * dy
        inside = np.where(d2 <= r * r, 9 * d2 > r * r, inside)
    return inside


def leaves(seed, x, y, c, bits):
    field = wave(5 * x + 2 * y + seed) + wave(7 * y - 3 * x + 40)
    noise = (bits >> np.uint64(60)).astype(np.int64)
    leaf = np.array([50, 120, 40])[c] + 4 * noise
    dark = 36 - 2 * c + (noise >> 2)
    dry = np.array([95, 75, 55])[c] + 2 * noise
    return np.where(field > 280, leaf, np.where(field > 180, dark, dry))


def image(kind, seed, w, h, channels):
    """uint8 [h][w] or [h][w][3]; colours are RGB."""
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(channels), indexing="ij")
    bits = mix(seed, np.arange(h * w * channels).reshape(h, w, channels))
    if kind == "NOISE":
        v = bits >> np.uint64(56)
    elif kind == "BINARY":
        v = np.where(bits >> np.uint64(63), 255, 0)
    elif kind == "SMOOTH":
        v = (wave(x * (3 + c) + 2 * y + seed) + wave(5 * y - x * (1 + c) + 77 * c)) // 2
        v = np.minimum(v + (bits >> np.uint64(61)).astype(np.int64), 255)
    elif kind == "SPARSE":
        v = np.where(bits >> np.uint64(61) == 0, 255, 0)
    elif kind == "DENSE":
        v = np.where(bits >> np.uint64(61) != 0, 255, 0)
    elif kind == "DISKS":
        v = np.where(disks(seed, x, y, w, h), 255, 0)
    elif kind == "LEAVES":
        v = leaves(seed, x, y, c, bits)
    else:
        raise ValueError(kind)
    v = v.astype(np.uint8)
    return np.ascontiguousarray(v[..., 0] if channels == 1 else v)


def crc(array):
    return zlib.crc32(np.ascontiguousarray(array).tobytes())
