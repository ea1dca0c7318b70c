#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Miniature networks with random weights, shaped like Ultralytics exports, and what ONNX Runtime
computes with them: tests/data/onnx. Small enough to commit, so that loader, planner and back ends
are tested everywhere.

The modules below are our own, written from the structure in the specification of the vision
pipeline (sections 2.3 to 2.5); torch's exporter turns them into the same kinds of nodes as the real
networks. Weights are random and rescaled layer by layer to unit variance, so that activations stay
sane; names in the files are shortened and weights rounded to 12 bits to keep them small.

    gen_tiny_onnx.py [--out DIR]
"""
import argparse
import io
import itertools
import pathlib

import numpy as np
import onnx
import onnxruntime
import onnxslim
import torch
import torch.nn.functional as F
from onnx import TensorProto, numpy_helper
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = {0: "plug", 1: "it's \"quoted\"", 2: "maceta ñ"}
WIDTH = 8  # channels of every stage but the first
BINS = 16
COEFS = 8
STRIDES = (8, 16, 32)


# ---- blocks (specification 2.3) ----


class ConvAct(nn.Module):
    """Convolution, optionally BatchNorm, optionally SiLU."""

    def __init__(self, ci, co, k=1, s=1, groups=1, act=True, norm=False):
        super().__init__()
        self.conv = nn.Conv2d(ci, co, k, s, k // 2, groups=groups, bias=not norm)
        self.norm = nn.BatchNorm2d(co, eps=1e-3) if norm else nn.Identity()
        self.act = nn.SiLU() if act else nn.Identity()

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class Residual(nn.Module):
    def __init__(self, c, hidden, add=True):
        super().__init__()
        self.a, self.b, self.add = ConvAct(c, hidden, 3), ConvAct(hidden, c, 3), add

    def forward(self, x):
        y = self.b(self.a(x))
        return x + y if self.add else y


class Stage(nn.Module):
    """Split in two; a chain on the second half; everything concatenated (C2f, C3k2)."""

    def __init__(self, ci, co, inner, n=1):
        super().__init__()
        self.c = co // 2
        self.first, self.last = ConvAct(ci, co), ConvAct((2 + n) * self.c, co)
        self.chain = nn.ModuleList(inner(self.c) for _ in range(n))

    def forward(self, x):
        parts = list(self.first(x).split((self.c, self.c), 1))
        for m in self.chain:
            parts.append(m(parts[-1]))
        return self.last(torch.cat(parts, 1))


class Nested(nn.Module):
    """The C3k inner block: two branches, one with two residuals."""

    def __init__(self, c):
        super().__init__()
        h = c // 2
        self.a, self.b, self.join = ConvAct(c, h), ConvAct(c, h), ConvAct(2 * h, c)
        self.chain = nn.Sequential(Residual(h, h), Residual(h, h))

    def forward(self, x):
        return self.join(torch.cat((self.chain(self.a(x)), self.b(x)), 1))


class PoolPyramid(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.first, self.last = ConvAct(c, c // 2), ConvAct(2 * c, c)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        parts = [self.first(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.last(torch.cat(parts, 1))


class SelfAttention(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads, self.value = heads, c // heads
        self.key = self.value // 2
        self.qkv = ConvAct(c, c + 2 * self.key * heads, act=False)
        self.position = ConvAct(c, c, 3, groups=c, act=False)
        self.project = ConvAct(c, c, act=False)

    def forward(self, x):
        b, c, h, w = x.shape
        qkv = self.qkv(x).view(b, self.heads, 2 * self.key + self.value, h * w)
        q, k, v = qkv.split([self.key, self.key, self.value], dim=2)
        a = ((q.transpose(-2, -1) @ k) * self.key**-0.5).softmax(dim=-1)
        y = (v @ a.transpose(-2, -1)).view(b, c, h, w) + self.position(v.reshape(b, c, h, w))
        return self.project(y)


class AttentionStage(nn.Module):
    def __init__(self, c, heads=2):
        super().__init__()
        self.c = c // 2
        self.first, self.last = ConvAct(c, c), ConvAct(c, c)
        self.attention = SelfAttention(self.c, heads)
        self.mix = nn.Sequential(ConvAct(self.c, 2 * self.c), ConvAct(2 * self.c, self.c, act=False))

    def forward(self, x):
        a, b = self.first(x).split((self.c, self.c), dim=1)
        b = b + self.attention(b)
        return self.last(torch.cat((a, b + self.mix(b)), 1))


# ---- head (specification 2.4, 2.5) ----


class Expectation(nn.Module):
    """Mean of the distribution over the bins, as a fixed 1x1 convolution."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(BINS, 1, 1, bias=False).requires_grad_(False)
        self.conv.weight.data[:] = torch.arange(BINS, dtype=torch.float).view(1, BINS, 1, 1)
        self.conv.keep = True

    def forward(self, x):
        b, _, a = x.shape
        return self.conv(x.view(b, 4, BINS, a).transpose(2, 1).softmax(1)).view(b, 4, a)


class Head(nn.Module):
    dynamic = False

    def __init__(self, c, nc, light, coefs=0):
        super().__init__()
        h = c // 2
        self.rows, self.nc, self.coefs = 4 * BINS + nc, nc, coefs
        self.stride = torch.tensor(STRIDES, dtype=torch.float)
        self.expectation = Expectation()
        self.box = nn.ModuleList(
            nn.Sequential(ConvAct(c, h, 3), ConvAct(h, h, 3), nn.Conv2d(h, 4 * BINS, 1))
            for _ in STRIDES
        )
        self.cls = nn.ModuleList(
            nn.Sequential(
                nn.Sequential(ConvAct(c, c, 3, groups=c), ConvAct(c, c)),
                nn.Sequential(ConvAct(c, c, 3, groups=c), ConvAct(c, c)),
                nn.Conv2d(c, nc, 1),
            )
            if light
            else nn.Sequential(ConvAct(c, h, 3), ConvAct(h, h, 3), nn.Conv2d(h, nc, 1))
            for _ in STRIDES
        )
        if coefs:
            self.coef = nn.ModuleList(
                nn.Sequential(ConvAct(c, h, 3), ConvAct(h, h, 3), nn.Conv2d(h, coefs, 1))
                for _ in STRIDES
            )
            self.proto = nn.Sequential(
                ConvAct(c, h, 3), nn.ConvTranspose2d(h, h, 2, 2), ConvAct(h, h, 3), ConvAct(h, coefs)
            )
        self.anchors = None

    def grid(self, maps):
        points, steps = [], []
        for m, stride in zip(maps, self.stride):
            h, w = m.shape[2:]
            x = torch.arange(end=w, dtype=m.dtype) + 0.5
            y = torch.arange(end=h, dtype=m.dtype) + 0.5
            y, x = torch.meshgrid(y, x, indexing="ij")
            points.append(torch.stack((x, y), -1).view(-1, 2))
            steps.append(torch.full((h * w, 1), stride, dtype=m.dtype))
        return torch.cat(points).transpose(0, 1), torch.cat(steps).transpose(0, 1)

    def forward(self, x):
        batch = x[0].shape[0]
        if self.coefs:
            proto = self.proto(x[0])
            coef = torch.cat(
                [m(v).view(batch, self.coefs, -1) for m, v in zip(self.coef, x)], 2
            )
        maps = [torch.cat((b(v), c(v)), 1) for b, c, v in zip(self.box, self.cls, x)]
        flat = torch.cat([m.view(batch, self.rows, -1) for m in maps], 2)
        if self.dynamic or self.anchors is None:
            self.anchors, self.steps = self.grid(maps)
        box, cls = flat.split((4 * BINS, self.nc), 1)
        near, far = self.expectation(box).chunk(2, 1)
        corner1, corner2 = self.anchors.unsqueeze(0) - near, self.anchors.unsqueeze(0) + far
        box = torch.cat(((corner1 + corner2) / 2, corner2 - corner1), 1) * self.steps
        y = torch.cat((box, cls.sigmoid()), 1)
        return (torch.cat([y, coef], 1), proto) if self.coefs else y


# ---- networks ----


class Net(nn.Module):
    """Backbone to stride 32, up to stride 8, down again; head on three levels."""

    def __init__(self, v11=True, coefs=0, norm=False):
        super().__init__()
        c = WIDTH
        plain = (lambda k: Residual(k, k // 2)) if v11 else (lambda k: Residual(k, k))
        deep = Nested if v11 else plain
        bare = plain if v11 else (lambda k: Residual(k, k, add=False))
        self.s2 = ConvAct(3, 4, 3, 2)
        self.s4 = nn.Sequential(ConvAct(4, c, 3, 2), Stage(c, c, plain))
        self.s8 = nn.Sequential(ConvAct(c, c, 3, 2), Stage(c, c, plain))
        self.s16 = nn.Sequential(ConvAct(c, c, 3, 2), Stage(c, c, deep))
        tail = [AttentionStage(2 * c)] if v11 else []
        self.s32 = nn.Sequential(
            ConvAct(c, 2 * c, 3, 2, norm=norm), Stage(2 * c, 2 * c, deep), PoolPyramid(2 * c), *tail
        )
        self.up = nn.Upsample(None, 2, "nearest")
        self.up16, self.up8 = Stage(3 * c, c, bare), Stage(2 * c, c, bare)
        self.down16, self.join16 = ConvAct(c, c, 3, 2), Stage(2 * c, c, bare)
        self.down32, self.join32 = ConvAct(c, c, 3, 2), Stage(3 * c, c, deep if v11 else bare)
        self.head = Head(c, len(NAMES), v11, coefs)

    def forward(self, x):
        p8 = self.s8(self.s4(self.s2(x)))
        p16 = self.s16(p8)
        p32 = self.s32(p16)
        u16 = self.up16(torch.cat((self.up(p32), p16), 1))
        u8 = self.up8(torch.cat((self.up(u16), p8), 1))
        d16 = self.join16(torch.cat((self.down16(u8), u16), 1))
        d32 = self.join32(torch.cat((self.down32(d16), p32), 1))
        return self.head([u8, d16, d32])


def coarse(t):
    """Rounded to 12 significant bits: exact in half precision's exponent range, and packs well."""
    m, e = torch.frexp(t)
    return torch.ldexp(torch.round(m * 2048) / 2048, e)


def settle(net, gen):
    """Random biases and statistics; random weights, rescaled in forward order so that what each
    convolution adds to its bias has deviation 1."""

    def hook(m, _inputs, out):
        bias = 0 if m.bias is None else m.bias.view(1, -1, 1, 1)
        scale = (out - bias).std().clamp_min(0.02)
        m.weight.data = coarse(m.weight.data / scale)
        return (out - bias) / scale + bias

    handles = []
    for m in net.modules():
        if getattr(m, "bias", None) is not None:
            m.bias.data = coarse(torch.randn(m.bias.shape, generator=gen) * 0.2)
        if isinstance(m, nn.BatchNorm2d):
            for t, mean in ((m.weight, 1.0), (m.running_var, 1.0), (m.running_mean, 0.0)):
                t.data = coarse(mean + 0.2 * torch.rand(t.shape, generator=gen))
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)) and not hasattr(m, "keep"):
            nn.init.normal_(m.weight, generator=gen)
            handles.append(m.register_forward_hook(hook))
    with torch.no_grad():
        net.eval()(picture(256, 256, seed=9))
    for h in handles:
        h.remove()
    net.head.anchors = None
    return net


# ---- pictures, the same as tests/support/onnx_data.h makes ----


def picture(w, h, seed=1):
    """[1,3,h,w]: bytes of xorshift64*, over 255, a byte covering 4x4 pixels."""
    s, mask, values = seed, (1 << 64) - 1, []
    for _ in range(3 * (h // 4) * (w // 4)):
        s ^= s >> 12
        s = (s ^ (s << 25)) & mask
        s ^= s >> 27
        values.append(((s * 2685821657736338717) & mask) >> 56)
    t = torch.tensor(values, dtype=torch.float32).view(1, 3, h // 4, w // 4) / 255
    return t.repeat_interleave(4, 2).repeat_interleave(4, 3)


# ---- export ----


def shorten(model):
    """Drop what readers do not need and give every value and node a short name."""
    g = model.graph
    del g.value_info[:]
    keep = {v.name for v in itertools.chain(g.input, g.output)} | {""}
    names = {}

    def short(name):
        return name if name in keep else names.setdefault(name, f"v{len(names)}")

    for i, n in enumerate(g.node):
        n.name, n.doc_string = f"n{i}", ""
        n.input[:] = [short(x) for x in n.input]
        n.output[:] = [short(x) for x in n.output]
    for t in g.initializer:
        t.name = short(t.name)


def metadata(model, task, size, dynamic, half):
    args = {"batch": 1, "half": half, "dynamic": dynamic, "simplify": True, "opset": None, "nms": False}
    values = {
        "description": "miniature with random weights", "author": "Demeter", "version": "0.1.0",
        "date": "2026-11-23T00:00:00", "license": "Apache-2.0", "stride": 32, "task": task,
        "batch": 1, "imgsz": [size, size], "names": NAMES, "args": args, "channels": 3,
    }
    for k, v in values.items():
        p = model.metadata_props.add()
        p.key, p.value = k, str(v)


def export(net, task, dynamic=False, slim=True, opset=22, half=False, unfused=False):
    size = 64
    net = net.half() if half else net.float()
    x = picture(size, size)
    x = x.half() if half else x
    net.head.dynamic, net.head.anchors = dynamic, None
    outputs = ["output0", "output1"] if task == "segment" else ["output0"]
    axes = {"images": {0: "batch", 2: "height", 3: "width"}, "output0": {0: "batch", 2: "anchors"}}
    if task == "segment":
        axes["output1"] = {0: "batch", 2: "mask_height", 3: "mask_width"}
    with torch.no_grad():
        net(x)  # static exports carry the anchors of this size
    f = io.BytesIO()
    torch.onnx.export(
        net, x, f, opset_version=opset, input_names=["images"], output_names=outputs,
        do_constant_folding=True, dynamic_axes=axes if dynamic else None, dynamo=False,
        training=torch.onnx.TrainingMode.PRESERVE if unfused else torch.onnx.TrainingMode.EVAL,
    )
    net.float()
    model = onnx.load_from_string(f.getvalue())
    if slim:
        model = onnxslim.slim(model)
    shorten(model)
    model.producer_name = model.producer_version = ""
    metadata(model, task, size, dynamic, half)
    onnx.checker.check_model(model)
    return model


def widened(model):
    """The same network with every half tensor as f32: what a reader that widens must compute."""
    m = onnx.ModelProto()
    m.CopyFrom(model)
    for t in m.graph.initializer:
        if t.data_type == TensorProto.FLOAT16:
            t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t).astype(np.float32), t.name))
    for v in itertools.chain(m.graph.input, m.graph.output):
        v.type.tensor_type.elem_type = TensorProto.FLOAT
    for n in m.graph.node:
        assert n.op_type not in ("Cast", "Constant"), "not in a slimmed static export"
    return m


def run(model, w, h):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {"images": picture(w, h).numpy()})


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--out", type=pathlib.Path, default=ROOT / "tests" / "data" / "onnx")
    out = ap.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    def save(name, model):
        onnx.save(model, out / f"{name}.onnx")
        return model

    def golden(name, model, w=64, h=64):
        for i, y in enumerate(run(model, w, h)):
            y.astype("<f4").tofile(out / f"{name}-{w}x{h}-output{i}.f32")

    torch.manual_seed(1)
    gen = torch.Generator().manual_seed(11)
    detect, segment = settle(Net(), gen), settle(Net(coefs=COEFS), gen)
    golden("tiny11", save("tiny11", export(detect, "detect")))
    save("tiny11-noslim", export(detect, "detect", slim=False))
    golden("tiny11", save("tiny11-dynamic", export(detect, "detect", dynamic=True)), 96, 64)
    save("tiny11-dynamic-noslim", export(detect, "detect", dynamic=True, slim=False))
    for opset in (11,):
        save(f"tiny11-dynamic-noslim-opset{opset}",
             export(detect, "detect", dynamic=True, slim=False, opset=opset))
    golden("tiny11-seg", save("tiny11-seg", export(segment, "segment")))
    golden("tiny11-seg",
           save("tiny11-seg-dynamic-noslim", export(segment, "segment", dynamic=True, slim=False)),
           96, 64)
    half = save("tiny11-f16", export(detect, "detect", half=True))
    golden("tiny11-f16", widened(half))
    golden("tiny8", save("tiny8", export(settle(Net(v11=False), gen), "detect")))
    unfused = settle(Net(norm=True), gen)
    golden("tiny11-bn", save("tiny11-bn", export(unfused, "detect", slim=False, unfused=True)))
    for f in sorted(out.iterdir()):
        print(f"{f.stat().st_size:8d} {f.name}")


if __name__ == "__main__":
    main()
