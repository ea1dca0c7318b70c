#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One peer runtime doing single forward passes, driven over stdin so that runs can be interleaved.

    forward_peer.py RUNTIME PRECISION THREADS MODEL.onnx [--size 640]

RUNTIME and PRECISION: onnxruntime f32|int8; openvino f32|bf16|int8; torch f32|bf16; int8 wants a
file from quantize_peer.py. Prints "ready NAME",
then for every line "N" on stdin N times the pass and one line of N milliseconds. The input lies in
memory; nothing but the pass is timed. Each peer gets what its manual recommends for latency.
"""
import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
import refenv

import numpy as np


def make_onnxruntime(a, x):
    import onnxruntime as ort

    o = ort.SessionOptions()
    o.intra_op_num_threads = a.threads
    o.inter_op_num_threads = 1
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    s = ort.InferenceSession(str(a.model), o, providers=["CPUExecutionProvider"])
    return f"onnxruntime {ort.__version__}", lambda: s.run(None, {"images": x})


def make_openvino(a, x):
    import openvino as ov

    core = ov.Core()
    model = core.read_model(a.model)
    config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": a.threads,
              "NUM_STREAMS": "1"}
    if a.precision != "int8":
        config["INFERENCE_PRECISION_HINT"] = a.precision
    request = core.compile_model(model, "CPU", config).create_infer_request()
    request.set_input_tensor(ov.Tensor(x))
    return f"openvino {ov.get_version().split('-')[0]}", request.infer


def make_torch(a, x):
    import torch

    import export_onnx

    torch.set_num_threads(a.threads)
    yolo = export_onnx.build("yolo11n", None, refenv.material_dir() / "weights", 64)
    model = yolo.model.fuse(verbose=False).eval().to(memory_format=torch.channels_last)
    t = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)

    def run():
        with torch.inference_mode():
            if a.precision == "bf16":
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    return model(t)
            return model(t)

    return f"torch {torch.__version__.split('+')[0]}", run


def main():
    p = argparse.ArgumentParser()
    p.add_argument("runtime", choices=["onnxruntime", "openvino", "torch"])
    p.add_argument("precision", choices=["f32", "bf16", "int8"])
    p.add_argument("threads", type=int)
    p.add_argument("model", type=pathlib.Path)
    p.add_argument("--size", type=int, default=640)
    a = p.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(a.threads)
    x = np.random.default_rng(0).random((1, 3, a.size, a.size), np.float32)
    try:
        name, run = {"onnxruntime": make_onnxruntime, "openvino": make_openvino,
                     "torch": make_torch}[a.runtime](a, x)
    except ImportError as e:
        print(f"absent {e}", flush=True)
        return 0
    for _ in range(3):
        run()
    print(f"ready {name}", flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e3)
        print(" ".join(f"{t:.4f}" for t in times), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
