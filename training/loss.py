# SPDX-License-Identifier: Apache-2.0
"""Losses of the detector and the segmenter.

Assignment: task-aligned, Feng et al. 2021 (TOOD): each box takes the anchors inside it with the
largest score^0.5 * IoU^6. Box: CIoU, Zheng et al. 2020. Sides: distribution focal loss, Li et al.
2020. Classes: binary cross entropy against the normalised alignment. Masks: cross entropy of the
cropped prototypes, Bolya et al. 2019 (YOLACT).
"""

import math

import torch
import torch.nn.functional as F

from yolo11 import REG_MAX, make_anchors

TOP_K = 10
GAIN_BOX, GAIN_CLS, GAIN_DFL = 7.5, 0.5, 1.5


def ciou(a, b, eps=1e-7):
    """Complete IoU of boxes [N, 4] (x1, y1, x2, y2), pairwise by row."""
    iw = (torch.minimum(a[:, 2], b[:, 2]) - torch.maximum(a[:, 0], b[:, 0])).clamp(min=0)
    ih = (torch.minimum(a[:, 3], b[:, 3]) - torch.maximum(a[:, 1], b[:, 1])).clamp(min=0)
    wa, ha = a[:, 2] - a[:, 0], (a[:, 3] - a[:, 1]).clamp(min=eps)
    wb, hb = b[:, 2] - b[:, 0], (b[:, 3] - b[:, 1]).clamp(min=eps)
    inter = iw * ih
    iou = inter / (wa * ha + wb * hb - inter + eps)
    cw = torch.maximum(a[:, 2], b[:, 2]) - torch.minimum(a[:, 0], b[:, 0])
    ch = torch.maximum(a[:, 3], b[:, 3]) - torch.minimum(a[:, 1], b[:, 1])
    dx = (a[:, 0] + a[:, 2] - b[:, 0] - b[:, 2]) / 2
    dy = (a[:, 1] + a[:, 3] - b[:, 1] - b[:, 3]) / 2
    v = (4 / math.pi ** 2) * (torch.atan(wb / hb) - torch.atan(wa / ha)) ** 2
    with torch.no_grad():
        alpha = v / (v - iou + 1 + eps)
    return iou - (dx * dx + dy * dy) / (cw * cw + ch * ch + eps) - alpha * v


@torch.no_grad()
def assign(scores, boxes, points, gt_boxes, gt_cls):
    """One picture. scores [A, nc] (0..1), boxes [A, 4] and points [A, 2] in pixels, gt_boxes [M, 4].

    Returns anchors [P], the truth each one belongs to [P], and its target score [P]. Works on the
    list of (truth, anchor) pairs that lie inside, which is short where a dense M x A table is not.
    """
    empty = torch.zeros(0, dtype=torch.long, device=boxes.device)
    if len(gt_boxes) == 0:
        return empty, empty, torch.zeros(0, device=boxes.device)
    px, py = points[:, 0], points[:, 1]
    inside = ((px > gt_boxes[:, 0:1]) & (px < gt_boxes[:, 2:3]) &
              (py > gt_boxes[:, 1:2]) & (py < gt_boxes[:, 3:4]))
    g, a = inside.nonzero(as_tuple=True)
    if len(g) == 0:
        return empty, empty, torch.zeros(0, device=boxes.device)
    overlap = ciou(gt_boxes[g], boxes[a]).clamp(min=0)
    metric = scores[a, gt_cls[g]].sqrt() * overlap.pow(6)
    table = torch.zeros(inside.shape, device=boxes.device)
    table[g, a] = metric + 1e-12  # inside counts even where nothing overlaps yet
    top = table.topk(min(TOP_K, table.shape[1]), 1)
    gi = torch.arange(len(gt_boxes), device=boxes.device)[:, None].expand_as(top.indices)
    keep = top.values > 0
    g, a = gi[keep], top.indices[keep]
    ious = torch.zeros_like(table)
    ious[g, a] = ciou(gt_boxes[g], boxes[a]).clamp(min=0)
    chosen = torch.zeros_like(inside)
    chosen[g, a] = True
    # An anchor wanted by several boxes goes to the one it overlaps most.
    owner = torch.where(chosen, ious, torch.full_like(ious, -1)).argmax(0)
    anchors = chosen.any(0).nonzero().squeeze(1)
    owners = owner[anchors]
    m, u = table[owners, anchors], ious[owners, anchors]
    best_m = torch.zeros(len(gt_boxes), device=boxes.device).scatter_reduce(0, owners, m, "amax")
    best_u = torch.zeros(len(gt_boxes), device=boxes.device).scatter_reduce(0, owners, u, "amax")
    return anchors, owners, m / (best_m[owners] + 1e-9) * best_u[owners]


def dfl(logits, target):
    """logits [P, 4, 16], target [P, 4] in grid units."""
    target = target.clamp(0, REG_MAX - 1.01)
    low = target.long()
    w = target - low
    logp = logits.log_softmax(-1)
    left = logp.gather(-1, low[..., None]).squeeze(-1)
    right = logp.gather(-1, low[..., None] + 1).squeeze(-1)
    return -(left * (1 - w) + right * w).mean(-1)


def detect_loss(heads, nc, targets):
    """heads from YOLO11 in training mode; targets: per picture (cls [M], boxes [M, 4] pixels).

    Returns the loss, its three parts for the log, and the assignment (per picture anchors, owners).
    """
    shapes = [h.shape[2:] for h in heads]
    b = heads[0].shape[0]
    points, strides = make_anchors(shapes, heads[0].device)
    x = torch.cat([h.float().flatten(2) for h in heads], 2).transpose(1, 2)
    logits, cls = x.split((4 * REG_MAX, nc), -1)
    logits = logits.reshape(b, -1, 4, REG_MAX)
    bins = torch.arange(REG_MAX, dtype=torch.float, device=x.device)
    with torch.no_grad():
        d = logits.softmax(-1) @ bins
        boxes = torch.cat((points - d[..., :2], points + d[..., 2:]), -1) * strides
        scores = cls.sigmoid()
    want = torch.zeros_like(cls)
    box_sum = dfl_sum = cls.sum() * 0
    assigned = []
    for i, (gt_cls, gt_boxes) in enumerate(targets):
        a, o, t = assign(scores[i], boxes[i], points * strides, gt_boxes, gt_cls)
        assigned.append((a, o))
        if len(a) == 0:
            continue
        want[i, a, gt_cls[o]] = t
        d = logits[i, a].softmax(-1) @ bins
        p, s, goal = points[a], strides[a], gt_boxes[o] / strides[a]
        mine = torch.cat((p - d[:, :2], p + d[:, 2:]), -1)
        box_sum = box_sum + ((1 - ciou(mine, goal)) * t).sum()
        sides = torch.cat((p - goal[:, :2], goal[:, 2:] - p), -1)
        dfl_sum = dfl_sum + (dfl(logits[i, a], sides) * t).sum()
    total = want.sum().clamp(min=1)
    parts = (GAIN_BOX * box_sum / total, GAIN_DFL * dfl_sum / total,
             GAIN_CLS * F.binary_cross_entropy_with_logits(cls, want, reduction="sum") / total)
    return sum(parts), [p.item() for p in parts], assigned


def mask_loss(coef, proto, assigned, targets, masks, size):
    """Mask part of the segmenter. coef [B, 32, A], proto [B, 32, h, w], masks: per picture [M, h, w]
    of 0/1; size: (H, W) of the input. Each mask is judged inside its own box only."""
    total, count = coef.sum() * 0, 0
    h, w = proto.shape[2:]
    y = torch.arange(h, device=proto.device)[None, :, None] + 0.5
    x = torch.arange(w, device=proto.device)[None, None, :] + 0.5
    for i, ((a, o), (_, gt_boxes)) in enumerate(zip(assigned, targets)):
        if len(a) == 0:
            continue
        logits = torch.einsum("pc,chw->phw", coef[i].float().t()[a], proto[i].float())
        box = gt_boxes[o] * torch.tensor([w / size[1], h / size[0]] * 2, device=proto.device)
        crop = ((x > box[:, 0, None, None]) & (x < box[:, 2, None, None]) &
                (y > box[:, 1, None, None]) & (y < box[:, 3, None, None]))
        loss = F.binary_cross_entropy_with_logits(logits, masks[i][o].float(), reduction="none")
        area = ((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])).clamp(min=1)
        total = total + ((loss * crop).sum((1, 2)) / area).sum()
        count += len(a)
    return GAIN_BOX * total / max(count, 1)
