# SPDX-License-Identifier: Apache-2.0
"""The YOLO11 detect and segment networks, written from their published architecture table.

Sizes, names of layers and the arithmetic of the head follow the table; tests/test_yolo11.py proves
the parameter totals and, where reference weights are at hand, the outputs. Modules carry the names
the format uses (`model.0.conv.weight`, ...), so weights of any origin load by name.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

REG_MAX = 16
STRIDES = (8, 16, 32)
SCALES = {  # depth, width, widest channel count before scaling
    "n": (0.50, 0.25, 1024),
    "s": (0.50, 0.50, 1024),
    "m": (0.50, 1.00, 512),
    "l": (1.00, 1.00, 512),
    "x": (1.00, 1.50, 512),
}


class Conv(nn.Module):
    """Convolution, batch norm, SiLU. `fuse` folds the norm into the convolution."""

    def __init__(self, ci, co, k=1, s=1, g=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(ci, co, k, s, k // 2, groups=g, bias=False)
        self.bn = nn.BatchNorm2d(co, eps=1e-3, momentum=0.03)
        self.act = act

    def forward(self, x):
        x = self.conv(x)
        if self.bn is not None:
            x = self.bn(x)
        return F.silu(x) if self.act else x

    @torch.no_grad()
    def fuse(self):
        if self.bn is None:
            return
        c, bn = self.conv, self.bn
        gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
        fused = nn.Conv2d(c.in_channels, c.out_channels, c.kernel_size, c.stride, c.padding,
                          groups=c.groups, bias=True)
        fused.weight.copy_(c.weight * gain[:, None, None, None])
        fused.bias.copy_(bn.bias - bn.running_mean * gain)
        self.conv, self.bn = fused, None


class Bottleneck(nn.Module):
    def __init__(self, ci, co, shortcut=True, e=0.5):
        super().__init__()
        h = int(co * e)
        self.cv1 = Conv(ci, h, 3)
        self.cv2 = Conv(h, co, 3)
        self.add = shortcut and ci == co

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.add else y


class C3k(nn.Module):
    def __init__(self, ci, co, n=2):
        super().__init__()
        h = co // 2
        self.cv1 = Conv(ci, h)
        self.cv2 = Conv(ci, h)
        self.cv3 = Conv(2 * h, co)
        self.m = nn.Sequential(*(Bottleneck(h, h, True, e=1.0) for _ in range(n)))

    def forward(self, x):
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), 1))


class C3k2(nn.Module):
    def __init__(self, ci, co, n=1, c3k=False, e=0.5):
        super().__init__()
        self.c = int(co * e)
        self.cv1 = Conv(ci, 2 * self.c)
        self.cv2 = Conv((2 + n) * self.c, co)
        inner = (lambda: C3k(self.c, self.c)) if c3k else (lambda: Bottleneck(self.c, self.c))
        self.m = nn.ModuleList(inner() for _ in range(n))

    def forward(self, x):
        parts = list(self.cv1(x).split((self.c, self.c), 1))
        for m in self.m:
            parts.append(m(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class SPPF(nn.Module):
    def __init__(self, ci, co, k=5):
        super().__init__()
        h = ci // 2
        self.cv1 = Conv(ci, h)
        self.cv2 = Conv(4 * h, co)
        self.m = nn.MaxPool2d(k, 1, k // 2)

    def forward(self, x):
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(self.m(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Attention(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads, self.hd = heads, c // heads
        self.kd = self.hd // 2
        self.qkv = Conv(c, c + 2 * self.kd * heads, act=False)
        self.proj = Conv(c, c, act=False)
        self.pe = Conv(c, c, 3, g=c, act=False)

    def forward(self, x):
        b, c, h, w = x.shape
        n = h * w
        qkv = self.qkv(x).view(b, self.heads, 2 * self.kd + self.hd, n)
        q, k, v = qkv.split((self.kd, self.kd, self.hd), 2)
        a = ((q.transpose(-2, -1) @ k) * self.kd ** -0.5).softmax(-1)
        o = (v @ a.transpose(-2, -1)).view(b, c, h, w) + self.pe(v.reshape(b, c, h, w))
        return self.proj(o)


class PSABlock(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.attn = Attention(c, heads)
        self.ffn = nn.Sequential(Conv(c, 2 * c), Conv(2 * c, c, act=False))

    def forward(self, x):
        x = x + self.attn(x)
        return x + self.ffn(x)


class C2PSA(nn.Module):
    def __init__(self, c, n=1):
        super().__init__()
        self.c = c // 2
        self.cv1 = Conv(c, 2 * self.c)
        self.cv2 = Conv(2 * self.c, c)
        self.m = nn.Sequential(*(PSABlock(self.c, self.c // 64) for _ in range(n)))

    def forward(self, x):
        a, b = self.cv1(x).split((self.c, self.c), 1)
        return self.cv2(torch.cat((a, self.m(b)), 1))


class DFL(nn.Module):
    """Mean of the 16 bins; a fixed convolution, as exported files have it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(REG_MAX, 1, 1, bias=False).requires_grad_(False)
        self.reset()

    def reset(self):
        """Exactly 0..15 again: readers know the layer by its weights, and averaging rounds them."""
        self.conv.weight.data[:] = torch.arange(REG_MAX, dtype=torch.float).view(1, REG_MAX, 1, 1)

    def forward(self, x):
        b, _, a = x.shape
        x = x.view(b, 4, REG_MAX, a).transpose(2, 1).softmax(1)
        return self.conv(x).view(b, 4, a)


def make_anchors(shapes, device=None):
    """Centres [A, 2] in grid units and strides [A, 1]; levels in order, rows before columns."""
    points, strides = [], []
    for (h, w), s in zip(shapes, STRIDES):
        y, x = torch.meshgrid(torch.arange(h, dtype=torch.float, device=device) + 0.5,
                              torch.arange(w, dtype=torch.float, device=device) + 0.5,
                              indexing="ij")
        points.append(torch.stack((x, y), -1).view(-1, 2))
        strides.append(torch.full((h * w, 1), float(s), device=device))
    return torch.cat(points), torch.cat(strides)


class Detect(nn.Module):
    def __init__(self, nc, ch):
        super().__init__()
        self.nc, self.no = nc, nc + 4 * REG_MAX
        c2, c3 = max(16, ch[0] // 4, 4 * REG_MAX), max(ch[0], min(nc, 100))
        self.cv2 = nn.ModuleList(
            nn.Sequential(Conv(c, c2, 3), Conv(c2, c2, 3), nn.Conv2d(c2, 4 * REG_MAX, 1)) for c in ch)
        self.cv3 = nn.ModuleList(
            nn.Sequential(nn.Sequential(Conv(c, c, 3, g=c), Conv(c, c3)),
                          nn.Sequential(Conv(c3, c3, 3, g=c3), Conv(c3, c3)), nn.Conv2d(c3, nc, 1))
            for c in ch)
        self.dfl = DFL()
        for box, cls, s in zip(self.cv2, self.cv3, STRIDES):
            box[-1].bias.data[:] = 1.0
            cls[-1].bias.data[:] = math.log(5 / nc / (640 / s) ** 2)

    def heads(self, feats):
        """Raw logits per level, [B, 64 + nc, h, w]."""
        return [torch.cat((self.cv2[i](x), self.cv3[i](x)), 1) for i, x in enumerate(feats)]

    def decode(self, heads):
        """[B, 4 + nc, A]: cx, cy, w, h in pixels, then scores."""
        b = heads[0].shape[0]
        points, strides = make_anchors([h.shape[2:] for h in heads], heads[0].device)
        x = torch.cat([h.view(b, self.no, -1) for h in heads], 2)
        box, cls = x.split((4 * REG_MAX, self.nc), 1)
        lt, rb = self.dfl(box).chunk(2, 1)
        anchors = points.t().unsqueeze(0)
        p1, p2 = anchors - lt, anchors + rb
        xywh = torch.cat(((p1 + p2) / 2, p2 - p1), 1) * strides.t()
        return torch.cat((xywh, cls.sigmoid()), 1)

    def forward(self, feats):
        heads = self.heads(feats)
        return heads if self.training else self.decode(heads)


class Proto(nn.Module):
    def __init__(self, ci, c, co):
        super().__init__()
        self.cv1 = Conv(ci, c, 3)
        self.upsample = nn.ConvTranspose2d(c, c, 2, 2, 0, bias=True)
        self.cv2 = Conv(c, c, 3)
        self.cv3 = Conv(c, co)

    def forward(self, x):
        return self.cv3(self.cv2(self.upsample(self.cv1(x))))


class Segment(Detect):
    def __init__(self, nc, ch, npr, nm=32):
        super().__init__(nc, ch)
        self.nm = nm
        self.proto = Proto(ch[0], npr, nm)
        c4 = max(ch[0] // 4, nm)
        self.cv4 = nn.ModuleList(
            nn.Sequential(Conv(c, c4, 3), Conv(c4, c4, 3), nn.Conv2d(c4, nm, 1)) for c in ch)

    def forward(self, feats):
        proto = self.proto(feats[0])
        b = proto.shape[0]
        coef = torch.cat([self.cv4[i](x).view(b, self.nm, -1) for i, x in enumerate(feats)], 2)
        heads = self.heads(feats)
        if self.training:
            return heads, coef, proto
        return torch.cat((self.decode(heads), coef), 1), proto


class Upsample(nn.Module):
    def forward(self, x):
        return F.interpolate(x, scale_factor=2.0, mode="nearest")


class YOLO11(nn.Module):
    """task "detect" or "segment". In training mode returns raw heads, else decoded output."""

    def __init__(self, task="detect", scale="n", nc=1):
        super().__init__()
        depth, width, most = SCALES[scale]
        wide = scale in "mlx"  # here every C3k2 has C3k inside

        def ch(c):
            return math.ceil(min(c, most) * width / 8) * 8

        n = max(round(2 * depth), 1)
        c64, c128, c256, c512, c1024 = ch(64), ch(128), ch(256), ch(512), ch(1024)
        layers = [
            Conv(3, c64, 3, 2),
            Conv(c64, c128, 3, 2),
            C3k2(c128, c256, n, wide, 0.25),
            Conv(c256, c256, 3, 2),
            C3k2(c256, c512, n, wide, 0.25),
            Conv(c512, c512, 3, 2),
            C3k2(c512, c512, n, True),
            Conv(c512, c1024, 3, 2),
            C3k2(c1024, c1024, n, True),
            SPPF(c1024, c1024),
            C2PSA(c1024, n),
            Upsample(),
            nn.Identity(),  # 12: concat with 6
            C3k2(c1024 + c512, c512, n, wide),
            Upsample(),
            nn.Identity(),  # 15: concat with 4
            C3k2(c512 + c512, c256, n, wide),
            Conv(c256, c256, 3, 2),
            nn.Identity(),  # 18: concat with 13
            C3k2(c256 + c512, c512, n, wide),
            Conv(c512, c512, 3, 2),
            nn.Identity(),  # 21: concat with 10
            C3k2(c512 + c1024, c1024, n, True),
        ]
        outs = (c256, c512, c1024)
        layers.append(Detect(nc, outs) if task == "detect" else Segment(nc, outs, ch(256)))
        self.model = nn.ModuleList(layers)
        self.task, self.scale, self.nc = task, scale, nc

    def forward(self, x):
        m = self.model
        for i in range(4):
            x = m[i](x)
        p3 = m[4](x)
        p4 = m[6](m[5](p3))
        p5 = m[10](m[9](m[8](m[7](p4))))
        n4 = m[13](torch.cat((m[11](p5), p4), 1))
        o3 = m[16](torch.cat((m[14](n4), p3), 1))
        o4 = m[19](torch.cat((m[17](o3), n4), 1))
        o5 = m[22](torch.cat((m[20](o4), p5), 1))
        return m[23]([o3, o4, o5])

    def fuse(self):
        for module in self.modules():
            if isinstance(module, Conv):
                module.fuse()
        return self

    def count_parameters(self):
        return sum(p.numel() for p in self.parameters())
