# SPDX-License-Identifier: Apache-2.0
"""Write a checkpoint as an ONNX file with the interface and metadata of an Ultralytics export.

    python training/export.py /tmp/run/last.pt models/plants-detect.onnx --imgsz 512

Convolution weights are stored as float16, each followed by a Cast to float32, which halves the file
and which every runtime can read; --f32 keeps them whole.
"""

import argparse
import io
import math

import numpy as np
import onnx
import onnxslim
import torch
from onnx import TensorProto, helper, numpy_helper

from yolo11 import YOLO11

OPSET = 17


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("checkpoint")
    p.add_argument("out")
    p.add_argument("--imgsz", type=int, default=512)
    p.add_argument("--keep", nargs="+", help="only these classes; the others helped to tell them apart")
    p.add_argument("--confidence", type=float, default=0.25,
                   help="the score that shall become 0.25, the default threshold of demeter count")
    p.add_argument("--plant-px", type=int, help="how large a plant should reach the network, pixels of "
                   "its input: demeter count then chooses its tiles by the plants it sees")
    p.add_argument("--tile", type=int, help="tiles that suit the plants, pixels of the photo")
    p.add_argument("--f32", action="store_true", help="do not store weights as float16")
    p.add_argument("--description", default="Demeter plant detector")
    p.add_argument("--author", default="Demeter")
    p.add_argument("--license", default="Apache-2.0")
    p.add_argument("--version", default="demeter-1")
    p.add_argument("--date", default="", help="as it shall stand in the file")
    return p.parse_args()


def load(path):
    c = torch.load(path, map_location="cpu", weights_only=True)
    model = YOLO11(c["task"], c["scale"], len(c["names"]))
    model.load_state_dict(c["ema"])
    model.model[-1].dfl.reset()
    return model.eval(), c


def keep_classes(model, names, wanted):
    """Take the rows of other classes out of the last layers; the names that are left."""
    rows = [names.index(n) for n in wanted]
    head = model.model[-1]
    for branch in head.cv3:
        last = branch[-1]
        short = torch.nn.Conv2d(last.in_channels, len(rows), 1)
        short.weight.data, short.bias.data = last.weight.data[rows], last.bias.data[rows]
        branch[-1] = short
    head.nc, head.no = len(rows), head.no - head.nc + len(rows)
    model.nc = len(rows)
    return [names[r] for r in rows]


def logit(p):
    return math.log(p / (1 - p))


def shift_scores(model, confidence):
    """Move all scores so that `confidence` becomes 0.25; their order stays."""
    for branch in model.model[-1].cv3:
        branch[-1].bias.data += logit(0.25) - logit(confidence)


def to_onnx(model, size):
    """Static, batch 1, folded."""
    model.fuse()
    names = ["output0", "output1"] if model.task == "segment" else ["output0"]
    buf = io.BytesIO()
    torch.onnx.export(model, torch.zeros(1, 3, size, size), buf, input_names=["images"],
                      output_names=names, opset_version=OPSET, do_constant_folding=True, dynamo=False)
    return onnxslim.slim(onnx.load_from_string(buf.getvalue()))


def halve(m):
    """Weights of convolutions to float16 plus a Cast."""
    used = {n.input[1] for n in m.graph.node if n.op_type in ("Conv", "ConvTranspose")}
    casts = []
    for t in m.graph.initializer:
        if t.name not in used or t.data_type != TensorProto.FLOAT:
            continue
        a = numpy_helper.to_array(t)
        if a.size < 256 or np.abs(a).max() > 60000:
            continue
        name = t.name
        t.CopyFrom(numpy_helper.from_array(a.astype(np.float16), name + "_f16"))
        casts.append(helper.make_node("Cast", [name + "_f16"], [name], name=name + "_cast",
                                      to=TensorProto.FLOAT))
    nodes = list(m.graph.node)
    del m.graph.node[:]
    m.graph.node.extend(casts + nodes)


def metadata(m, o, task, names):
    values = {
        "description": o.description, "author": o.author, "date": o.date, "version": o.version,
        "license": o.license, "docs": "models/README.md", "stride": 32, "task": task, "batch": 1,
        "imgsz": [o.imgsz, o.imgsz], "names": dict(enumerate(names)), "channels": 3,
        "args": {"batch": 1, "half": False, "dynamic": False, "simplify": True, "opset": OPSET,
                 "nms": False},
    }
    values |= {key: value for key, value in (("demeter_plant_px", o.plant_px),
                                             ("demeter_tile", o.tile)) if value}
    for key, value in values.items():
        m.metadata_props.add(key=key, value=str(value))
    m.producer_name, m.producer_version = "demeter", o.version


def main():
    o = arguments()
    model, c = load(o.checkpoint)
    names = keep_classes(model, c["names"], o.keep) if o.keep else c["names"]
    shift_scores(model, o.confidence)
    m = to_onnx(model, o.imgsz)
    if not o.f32:
        halve(m)
    metadata(m, o, c["task"], names)
    onnx.checker.check_model(m)
    onnx.save(m, o.out)


if __name__ == "__main__":
    main()
