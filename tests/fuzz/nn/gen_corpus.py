#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for the fuzzers of the model loader: corpus/onnx (one small graph an operator, and complete
little detect and segment models) and corpus/metadata. Needs onnx and numpy.

    gen_corpus.py
"""
import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
X = [1, 3, 8, 8]


def f32(name, value):
    return numpy_helper.from_array(np.array(value, np.float32), name)


def i64(name, value):
    return numpy_helper.from_array(np.array(value, np.int64), name)


def model(nodes, tensors=(), shape=X, outputs=("y",), opset=17, meta=None):
    g = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs], list(tensors),
    )
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", opset)])
    m.ir_version = 8
    for k, v in (meta or {}).items():
        p = m.metadata_props.add()
        p.key, p.value = k, v
    return m


def node(op, ins, outs="y", **attrs):
    return helper.make_node(op, ins.split(",") if ins else [], outs.split(","), **attrs)


DYNAMIC = ["n", 3, "h", "w"]
WINDOW = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], dilations=[1, 1])

OPERATORS = {
    "add": ([node("Add", "x,c")], [f32("c", [[[1]], [[2]], [[3]]])]),
    "batchnorm": ([node("Conv", "x,w", "c", **WINDOW), node("BatchNormalization", "c,p,p,p,p")],
                  [f32("w", np.ones((2, 3, 3, 3)) / 9), f32("p", [1, 2])]),
    "cast": ([node("Cast", "x", "a", to=1), node("Floor", "a")],),
    "concat_split": ([node("Split", "x,s", "a,b", axis=1), node("Concat", "b,a", axis=1)],
                     [i64("s", [1, 2])]),
    "conv": ([node("Conv", "x,w,b", group=3, **WINDOW)],
             [f32("w", np.ones((3, 1, 3, 3))), f32("b", [1, 2, 3])]),
    "convtranspose": ([node("ConvTranspose", "x,w", kernel_shape=[2, 2], strides=[2, 2])],
                      [f32("w", np.ones((3, 2, 2, 2)))]),
    "flatten": ([node("Flatten", "x", axis=2)],),
    "gather": ([node("Gather", "x,i", axis=1)], [i64("i", [2, -1])]),
    "identity": ([node("Identity", "x", "a"), node("Sigmoid", "a")],),
    "matmul": ([node("Transpose", "x", "t", perm=[0, 1, 3, 2]), node("MatMul", "x,t")],),
    "maxpool": ([node("MaxPool", "x", kernel_shape=[5, 5], pads=[2, 2, 2, 2])],),
    "reducemax": ([node("ReduceMax", "x", axes=[1], keepdims=0)],),
    "reshape": ([node("Reshape", "x,s")], [i64("s", [0, -1, 4])]),
    "resize": ([node("Resize", "x,,s", mode="nearest", nearest_mode="floor",
                     coordinate_transformation_mode="asymmetric")], [f32("s", [1, 1, 2, 2])]),
    "slice": ([node("Slice", "x,a,b,i,t")],
              [i64("a", [-1, 1]), i64("b", [-99, 99]), i64("i", [3, 2]), i64("t", [-2, 2])]),
    "softmax": ([node("Softmax", "x", axis=1)],),
    "squeeze": ([node("Squeeze", "x,i", "a"), node("Unsqueeze", "a,j")],
                [i64("i", [0]), i64("j", [-1])]),
    "squeeze11": ([node("Squeeze", "x", "a", axes=[0]), node("Unsqueeze", "a", axes=[0])], (), X,
                  ("y",), 11),
    "where": ([node("Equal", "c,d", "e"), node("Where", "e,c,d", "f"), node("Expand", "f,s", "g"),
               node("Cast", "g", "h", to=1), node("Add", "x,h")],
              [i64("c", [1]), i64("d", [3]), i64("s", [8, 1])]),
    "range": ([node("Shape", "x", "s"), node("Gather", "s,three", "w"), node("Cast", "w", "f", to=1),
               node("Range", "zero,f,one", "r"), node("Mul", "x,r")],
              [i64("three", 3), f32("zero", 0), f32("one", 1)], DYNAMIC),
    "shapes": ([node("Shape", "x", "s", start=2), node("ConstantOfShape", "s", "c"),
                node("Sub", "x,c", "d"), node("Div", "d,two")], [f32("two", 2)], DYNAMIC),
    "constants": ([node("Constant", "", "c", value=f32("", [1, 2])),
                   node("Constant", "", "d", value_int=3), node("Cast", "d", "e", to=1),
                   node("Mul", "c,e", "f"), node("ReduceMax", "f", "g"), node("Add", "x,g")],),
    "oldsoftmax": ([node("Transpose", "x", "a", perm=[0, 3, 2, 1]), node("Softmax", "a", "b", axis=3),
                    node("Transpose", "b", perm=[0, 3, 2, 1])], (), X, ("y",), 11),
}

META = {"task": "detect", "names": "{0: 'plug'}", "stride": "32", "imgsz": "[32, 32]",
        "args": "{'nms': False, 'dynamic': False}", "version": "8.3.220"}


def little_models():
    """[1,3,32,32] -> [1,5,21] and [1,2,8,8]: complete as far as the loader's checks go."""
    start = [node("Reshape", "x,flat", "f"), node("Slice", "f,zero,n", "s"), node("Reshape", "s,out", "output0")]
    tensors = [i64("flat", [-1]), i64("zero", [0])]
    yield "detect", model(start, tensors + [i64("n", [105]), i64("out", [1, 5, 21])], [1, 3, 32, 32],
                          ("output0",), meta=META)
    yield "nometa", model(start, tensors + [i64("n", [105]), i64("out", [1, 5, 21])], [1, 3, 32, 32],
                          ("output0",))
    pool = [node("MaxPool", "x", "p", kernel_shape=[4, 4], strides=[4, 4]),
            node("Conv", "p,w", "output1", kernel_shape=[1, 1])]
    yield "segment", model(
        start + pool,
        tensors + [i64("n", [147]), i64("out", [1, 7, 21]), f32("w", np.ones((2, 3, 1, 1)))],
        [1, 3, 32, 32], ("output0", "output1"), meta=META | {"task": "segment"})


METADATA = {
    "names": "{0: 'plug', 1: \"it's\", 2: 'caf\\xe9 \\u20ac \\U0001f331', 3: 'a\\\\b\\'c\\n'}",
    "list": "['plug', \"pot\"]",
    "size": "[640, 480]",
    "args": "{'batch': 1, 'half': False, 'opset': None, 'a': [1, (2, {'x': '}'})], 'nms': True}",
    "open": "{0: 'plug",
    "deep": "{'a': " + "[" * 40 + "]" * 40 + ", 'nms': True}",
    "bad-utf8": b"{0: '\xff\xc3'}",
}


def main():
    out = HERE / "corpus" / "onnx"
    out.mkdir(parents=True, exist_ok=True)
    for name, parts in OPERATORS.items():
        m = model(*parts)
        (out / f"{name}.onnx").write_bytes(m.SerializeToString())
    for name, m in little_models():
        (out / f"{name}.onnx").write_bytes(m.SerializeToString())
    typed = model([node("Add", "x,c")], [helper.make_tensor("c", TensorProto.FLOAT16, [1], [1.0])])
    (out / "typed.onnx").write_bytes(typed.SerializeToString())
    (out / "checkpoint").write_bytes(b"PK\x03\x04")
    out = HERE / "corpus" / "metadata"
    out.mkdir(parents=True, exist_ok=True)
    for name, text in METADATA.items():
        (out / name).write_bytes(text if isinstance(text, bytes) else text.encode())


if __name__ == "__main__":
    main()
