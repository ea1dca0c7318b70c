# SPDX-License-Identifier: Apache-2.0
"""Train a detector or a segmenter on folders of pictures with YOLO labels.

    python training/train.py --data /tmp/train/img --names item --out /tmp/run --minutes 40

Runs on a CPU or a GPU, resumes from its last checkpoint, and ends
after --iterations or --minutes, whichever comes first; the learning rate falls along the nearer one.
"""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import torch

from data import Folder, batches
from loss import detect_loss, mask_loss
from yolo11 import YOLO11


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--data", nargs="+", required=True, help="folders of pictures and labels")
    p.add_argument("--task", default="detect", choices=("detect", "segment"))
    p.add_argument("--smallest", type=float, default=0,
                   help="leave out pictures whose median object is less wide, pixels")
    p.add_argument("--names", nargs="+", default=["item"], help="class names, in output order")
    p.add_argument("--classes", nargs="+", type=int, default=[0], help="label ids to keep")
    p.add_argument("--scale", default="n", choices="nsmlx")
    p.add_argument("--size", type=int, default=320, help="pixels of a training crop")
    p.add_argument("--big", type=int, default=0, help="pixels of the crops of some batches, for large objects")
    p.add_argument("--p-big", type=float, default=0.15, help="share of those batches")
    p.add_argument("--mosaic", type=float, default=0.25, help="share of pictures put together of four")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--iterations", type=int, default=10 ** 9)
    p.add_argument("--minutes", type=float, default=1e9)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--warmup", type=int, default=60)
    p.add_argument("--decay", type=float, default=0.02, help="weight decay")
    p.add_argument("--ema", type=float, default=0.997)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--bf16", action="store_true", help="autocast; pays on GPUs and on CPUs with avx512_bf16")
    p.add_argument("--save-minutes", type=float, default=3)
    p.add_argument("--start", help="checkpoint whose weights to start from (fine-tuning)")
    p.add_argument("--out", required=True, help="folder of checkpoints and log")
    return p.parse_args()


def optimizer(model, o):
    """Weight decay on convolution weights only."""
    decay, plain = [], []
    for p in model.parameters():
        if p.requires_grad:
            (decay if p.ndim > 1 else plain).append(p)
    groups = [{"params": decay, "weight_decay": o.decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=o.lr, betas=(0.9, 0.99))


class Ema:
    """Running mean of the weights; the shipped ones."""

    def __init__(self, model, decay):
        self.model = copy.deepcopy(model).eval()
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, model):
        self.steps += 1
        d = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for a, b in zip(self.model.state_dict().values(), model.state_dict().values()):
            if a.dtype.is_floating_point:
                a.mul_(d).add_(b.detach(), alpha=1 - d)
            else:
                a.copy_(b)


def begin_from(model, path, device):
    """Weights of a checkpoint by name, where they fit. Of a last layer for more classes, the rows
    that both have: class 0 stays what it was, unless the task is another."""
    start = torch.load(path, map_location=device, weights_only=True)
    mine = model.state_dict()
    for name, w in start["ema"].items():
        if name not in mine or w.shape[1:] != mine[name].shape[1:]:
            continue
        if w.shape == mine[name].shape:
            mine[name] = w
        elif start["task"] == model.task:
            rows = min(len(w), len(mine[name]))
            mine[name][:rows] = w[:rows]
    model.load_state_dict(mine)


def losses(model, images, targets, o):
    """The loss and its parts: box, dfl, cls, for segment also mask."""
    with torch.autocast(o.device.split(":")[0], dtype=torch.bfloat16, enabled=o.bf16):
        out = model(images)
    heads = out[0] if o.task == "segment" else out
    loss, parts, assigned = detect_loss(heads, len(o.names), [t[:2] for t in targets])
    if o.task == "segment":
        mask = mask_loss(out[1], out[2], assigned, [t[:2] for t in targets],
                         [t[2] for t in targets], images.shape[2:])
        return loss + mask, parts + [mask.item()]
    return loss, parts


def save(path, o, model, ema, opt, step, spent):
    tmp = path.with_suffix(".tmp")
    torch.save({"task": o.task, "scale": o.scale, "names": o.names, "ema": ema.model.state_dict(),
                "model": model.state_dict(), "opt": opt.state_dict(), "ema_steps": ema.steps,
                "step": step, "spent_s": spent, "arguments": vars(o)}, tmp)
    tmp.replace(path)


def main():
    o = arguments()
    torch.manual_seed(o.seed)
    if o.threads:
        torch.set_num_threads(o.threads)
    out = Path(o.out)
    out.mkdir(parents=True, exist_ok=True)
    folder = Folder(o.data, o.classes, smallest=o.smallest)
    model = YOLO11(o.task, o.scale, len(o.names)).to(o.device, memory_format=torch.channels_last)
    if o.start:
        begin_from(model, o.start, o.device)
    ema, opt = Ema(model, o.ema), optimizer(model, o)
    step, before, last = 0, 0.0, out / "last.pt"
    if last.exists():
        c = torch.load(last, map_location=o.device, weights_only=True)
        model.load_state_dict(c["model"])
        ema.model.load_state_dict(c["ema"])
        opt.load_state_dict(c["opt"])
        ema.steps, step, before = c["ema_steps"], c["step"], c["spent_s"]
    begun = saved = time.monotonic()
    model.train()
    log = open(out / "log.jsonl", "a")
    for images, targets in batches(folder, o.size, o.batch, o.seed, step, o.task, o.mosaic,
                                   o.big, o.p_big):
        spent = before + time.monotonic() - begun
        progress = max(step / o.iterations, spent / (o.minutes * 60))
        if progress >= 1:
            break
        rate = o.lr * min(1, (step + 1) / o.warmup) * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)
        for group in opt.param_groups:
            group["lr"] = rate
        images = images.to(o.device, memory_format=torch.channels_last)
        targets = [[x.to(o.device) for x in t] for t in targets]
        loss, parts = losses(model, images, targets, o)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        opt.step()
        ema.update(model)
        step += 1
        if step % 10 == 0:
            row = {"step": step, "s": round(spent, 1), "lr": round(rate, 6),
                   **{k: round(v, 4) for k, v in zip(("box", "dfl", "cls", "mask"), parts)}}
            log.write(json.dumps(row) + "\n")
            log.flush()
        if time.monotonic() - saved > o.save_minutes * 60:
            save(last, o, model, ema, opt, step, before + time.monotonic() - begun)
            saved = time.monotonic()
    save(last, o, model, ema, opt, step, before + time.monotonic() - begun)


if __name__ == "__main__":
    main()
