#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Genuine Ultralytics ONNX exports to hold the loader and the runtime against.

The fused weights of the test material (BatchNorm already folded, Ultralytics layer names) are put
back into models built from Ultralytics' own yaml files, and each variant is written by Ultralytics'
own exporter. Scales and class counts we have no weights for get random ones whose BatchNorm
statistics are settled on random pictures first, so that no activation vanishes or overflows.

Output is never committed: the weights are AGPL-3.0. Run:

    export_onnx.py [--out DIR] [--material DIR] [--only NAME ...] [--list] [--no-verify]
"""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile

import refenv  # first: keeps Ultralytics off the network and out of the home directory

import numpy as np
import onnx
import torch
from safetensors.torch import load_file
from ultralytics import YOLO
from ultralytics.engine.exporter import Exporter
from ultralytics.nn.modules import Detect
from ultralytics.utils import ROOT as ULTRALYTICS_ROOT
from ultralytics.utils import YAML

REAL = {"yolo11n": "yolo11n_fused_dequant_f32", "yolo11n-seg": "yolo11n-seg_fused_dequant_f32"}

# name -> (yaml stem, export arguments). A yaml stem of REAL takes the real weights unless nc is
# given. Random nets are small in pixels: they test structure, not sight.
VARIANTS = {
    "yolo11n": ("yolo11n", {}),
    "yolo11n-dynamic": ("yolo11n", dict(dynamic=True)),
    "yolo11n-noslim": ("yolo11n", dict(simplify=False)),
    "yolo11n-dynamic-noslim": ("yolo11n", dict(dynamic=True, simplify=False)),
    "yolo11n-512": ("yolo11n", dict(imgsz=512)),
    "yolo11n-320x640": ("yolo11n", dict(imgsz=[320, 640])),
    "yolo11n-batch4": ("yolo11n", dict(batch=4)),
    "yolo11n-f16": ("yolo11n", dict(half=True)),
    "yolo11n-nms": ("yolo11n", dict(nms=True)),
    **{f"yolo11n-opset{v}": ("yolo11n", dict(opset=v)) for v in range(11, 23)},
    **{
        f"yolo11n-dynamic-noslim-opset{v}": ("yolo11n", dict(dynamic=True, simplify=False, opset=v))
        for v in (11, 12, 13, 17, 20)
    },
    "yolo11n-seg": ("yolo11n-seg", {}),
    "yolo11n-seg-1024": ("yolo11n-seg", dict(imgsz=1024)),
    "yolo11n-seg-dynamic": ("yolo11n-seg", dict(dynamic=True)),
    "yolo11n-seg-noslim": ("yolo11n-seg", dict(simplify=False)),
    "yolo11n-seg-dynamic-noslim": ("yolo11n-seg", dict(dynamic=True, simplify=False)),
    "yolo11n-seg-opset12": ("yolo11n-seg", dict(opset=12)),
    "yolo11n-seg-f16": ("yolo11n-seg", dict(half=True)),
    "yolo11n-seg-nms": ("yolo11n-seg", dict(nms=True)),
    # random weights from here on
    "yolo11n-nc1": ("yolo11n", dict(nc=1, imgsz=320)),
    "yolo11n-seg-nc4": ("yolo11n-seg", dict(nc=4, imgsz=320)),
    "yolov8n": ("yolov8n", dict(nc=3, imgsz=320)),
    "yolov8n-seg": ("yolov8n-seg", dict(nc=3, imgsz=320)),
    "yolov10n": ("yolov10n", dict(nc=3, imgsz=320)),  # end2end head: to be refused
    "yolo11n-pose": ("yolo11n-pose", dict(imgsz=320)),  # other task: to be refused
    **{f"yolo11{s}": (f"yolo11{s}", dict(imgsz=128)) for s in "smlx"},
    **{f"yolo11{s}-seg": (f"yolo11{s}-seg", dict(imgsz=128)) for s in "smlx"},
}

NC_NAMES = {
    1: {0: "item"},
    3: {0: "plug", 1: "it's \"quoted\"", 2: "maceta ñ"},  # every quoting form of Python's repr
    4: {0: "cajon", 1: "claro-cajon", 2: "almacigo", 3: "plug"},
}


def coco_names():
    return YAML.load(ULTRALYTICS_ROOT / "cfg/datasets/coco.yaml")["names"]


def settle_batchnorm(model, imgsz):
    """Running statistics of random pictures, so that random nets have sane activations."""
    gen = torch.Generator().manual_seed(2)
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = None  # cumulative average
            with torch.no_grad():
                m.weight.uniform_(0.7, 1.3, generator=gen)
                m.bias.uniform_(-0.3, 0.3, generator=gen)
    model.train()
    with torch.no_grad():
        for _ in range(2):
            model(torch.rand(2, 3, imgsz, imgsz, generator=gen))
    model.eval()


def build(stem, nc, weights, settle_size):
    """A YOLO with real weights (fused) or settled random ones."""
    torch.manual_seed(1)
    yolo = YOLO(f"{stem}.yaml")
    if nc is not None:
        yolo.model = type(yolo.model)(yolo.model.yaml | {"nc": nc}, nc=nc, verbose=False)
        yolo.model.task = yolo.task
    yolo.model.names = NC_NAMES[nc] if nc is not None else coco_names()
    if "pose" in stem:
        yolo.model.names = {0: "person"}
    if nc is None and stem in REAL:
        yolo.model.fuse(verbose=False)
        state = load_file(weights / f"{REAL[stem]}.safetensors")
        missing, unexpected = yolo.model.load_state_dict(state, strict=False)
        fixed = {k for k in missing if k.endswith("dfl.conv.weight")}
        if unexpected or set(missing) != fixed:
            sys.exit(f"{stem}: weights do not fit: missing {missing}, unexpected {unexpected}")
    else:
        settle_batchnorm(yolo.model, settle_size)
    yolo.model.eval()
    return yolo


class HalfExporter(Exporter):
    """What half=True does on a GPU, done on the CPU: the exporter itself refuses to."""

    def export_onnx(self, *args, **kwargs):
        self.im, self.model = self.im.half(), self.model.half()
        self.metadata["args"]["half"] = True
        return super().export_onnx(*args, **kwargs)


def export(name, out, weights):
    stem, args = VARIANTS[name]
    args = dict(imgsz=640, format="onnx", batch=1, device="cpu") | args
    nc, half = args.pop("nc", None), args.pop("half", False)
    yolo = build(stem, nc, weights, 64)
    with tempfile.TemporaryDirectory() as tmp:
        here = os.getcwd()
        os.chdir(tmp)
        try:
            exporter = (HalfExporter if half else Exporter)(
                overrides=args | dict(mode="export", verbose=False)
            )
            path = exporter(model=yolo.model)
            shutil.move(path, out / f"{name}.onnx")
        finally:
            os.chdir(here)
    m = onnx.load(out / f"{name}.onnx")
    opset = [o.version for o in m.opset_import if o.domain in ("", "ai.onnx")][0]
    size = (out / f"{name}.onnx").stat().st_size
    print(f"{name:32s} opset {opset:2d}  ir {m.ir_version:2d}  {len(m.graph.node):4d} nodes  "
          f"{size / 1e6:7.2f} MB", flush=True)


def verify(out, weights):
    """Raw heads of the f32 exports against the recorded heads of the same weights."""
    import cv2
    import onnxruntime as ort

    ref = weights / "reference_outputs"
    bad = 0
    for stem in REAL:
        for name in sorted(n for n, (s, a) in VARIANTS.items() if s == stem and "nc" not in a):
            args = VARIANTS[name][1]
            path = out / f"{name}.onnx"
            if not path.exists() or args.get("nms") or args.get("batch") or "imgsz" in args:
                continue
            sess = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            half = args.get("half", False)
            for pic in ("coco36", "echeveria_pots"):
                im = cv2.imread(str(ref / f"{pic}_input_640.png"))[..., ::-1]
                x = (im.transpose(2, 0, 1)[None].astype(np.float32)) / 255
                got = sess.run(None, {"images": x.astype(np.float16) if half else x})
                want = [np.load(next(ref.glob(f"{pic}_{stem}_[0-9]*.npy")))]
                if len(got) > 1:
                    want.append(np.load(next(ref.glob(f"{pic}_{stem}_proto_*.npy"))))
                for k, (g, w) in enumerate(zip(got, want)):
                    g = g[0].astype(np.float64)
                    err = np.abs(g - w) / np.maximum(1, np.abs(w))
                    limit = 0.5 if half else 1e-3
                    ok = err.max() <= limit
                    bad += not ok
                    print(f"{name:32s} {pic:14s} output{k} max rel err {err.max():.2e} "
                          f"{'ok' if ok else 'TOO LARGE'}", flush=True)
    return bad


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--out", type=pathlib.Path, default=refenv.models_dir())
    p.add_argument("--material", type=pathlib.Path, default=refenv.material_dir())
    p.add_argument("--only", nargs="*", help="names to make (default: all)")
    p.add_argument("--list", action="store_true")
    p.add_argument("--no-verify", action="store_true")
    a = p.parse_args()
    if a.list:
        print("\n".join(VARIANTS))
        return 0
    weights = a.material / "weights"
    if not weights.is_dir():
        print(f"skipped: no test material at {a.material}")
        return 77
    a.out.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in a.only or VARIANTS:
        try:
            export(name, a.out, weights)
        except Exception as e:  # one opset that this torch cannot write must not stop the others
            failed.append(name)
            print(f"{name:32s} not written: {type(e).__name__}: {str(e).splitlines()[0][:120]}")
    if failed:
        print(f"{len(failed)} variants this torch cannot write: {' '.join(failed)}")
    return 1 if not a.no_verify and verify(a.out, weights) else 0


if __name__ == "__main__":
    sys.exit(main())
