#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A static int8 (QDQ) file of an export, by ONNX Runtime's quantiser, for the int8 peers.

    quantize_peer.py IN.onnx OUT.onnx

Calibrated on tiles of the shared photos; the heads after the last convolutions stay f32, as usual.
"""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
import refenv

import cv2
import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Tiles(CalibrationDataReader):
    def __init__(self):
        self.left = []
        for path in refenv.photos()[:12]:
            im = cv2.resize(cv2.imread(str(path))[:640, :640], (640, 640))[..., ::-1]
            self.left.append({"images": (im.transpose(2, 0, 1)[None] / np.float32(255))
                              .astype(np.float32)})

    def get_next(self):
        return self.left.pop() if self.left else None


def main():
    with tempfile.TemporaryDirectory() as tmp:
        prepared = f"{tmp}/prepared.onnx"
        quant_pre_process(sys.argv[1], prepared, skip_symbolic_shape=True)
        nodes = onnx.load(prepared).graph.node
        quantize_static(prepared, sys.argv[2], Tiles(), quant_format=QuantFormat.QDQ,
                        per_channel=True, activation_type=QuantType.QUInt8,
                        weight_type=QuantType.QInt8, op_types_to_quantize=["Conv", "Mul", "Sigmoid",
                        "Add", "Concat", "MaxPool", "Split", "Resize"],
                        nodes_to_exclude=[n.name for n in nodes
                                          if "model.23" in n.name and n.op_type != "Conv"])


if __name__ == "__main__":
    main()
