#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reference weights as .pt files, which is what the running Python system loads.

    torch_files.py DIR      writes DIR/yolo11n.pt and DIR/yolo11n-seg.pt
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
import export_onnx
import refenv

for stem in export_onnx.REAL:
    yolo = export_onnx.build(stem, None, refenv.material_dir() / "weights", 64)
    yolo.ckpt = {}
    yolo.save(str(pathlib.Path(sys.argv[1]) / f"{stem}.pt"))
