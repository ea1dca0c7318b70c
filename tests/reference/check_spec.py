#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures the specification derived by hand, asked of the real libraries.

    check_spec.py [--models DIR]

Prints one line per figure, "ok" or what the library says instead. Architecture totals, operator
counts, letterbox geometry, back-projection pads, tile grids and the merge example of vision.md;
the pixel primitives of its appendix A are checked elsewhere.
"""
import argparse
import collections
import pathlib
import sys

import refenv

import numpy as np
import onnx
from sahi.postprocess.combine import GreedyNMMPostprocess
from sahi.prediction import ObjectPrediction
from sahi.slicing import get_slice_bboxes
from ultralytics.data.augment import LetterBox
from ultralytics.nn.tasks import DetectionModel, SegmentationModel

wrong = 0


def check(what, want, got):
    global wrong
    same = want == got
    wrong += not same
    print(f"{'ok   ' if same else 'WRONG'} {what}: {want}" + ("" if same else f" (is {got})"))


def totals():
    params = {
        ("", 80): (2624080, 9458752, 20114688, 25372160, 56966176),
        ("", 1): (2590035, 9428179, 20053779, 25311251, 56874931),
        ("-seg", 80): (2876848, 10113248, 22420896, 27678368, 62142656),
        ("-seg", 4): (2843388, 10083836, 22362300, 27619772, 62054876),
        ("-seg", 2): (2842998, 10083062, 22360758, 27618230, 62052566),
    }
    fused = dict(zip("nsmlx", (2616248, 9443760, 20091712, 25340992, 56919424)))
    convs = {"": dict(zip("nsmlx", (87, 87, 112, 173, 173))),
             "-seg": dict(zip("nsmlx", (99, 99, 124, 185, 185)))}
    for (kind, nc), want in params.items():
        cls = SegmentationModel if kind else DetectionModel
        for scale, n in zip("nsmlx", want):
            m = cls(f"yolo11{scale}{kind}.yaml", nc=nc, verbose=False)
            check(f"parameters yolo11{scale}{kind} nc={nc}", n,
                  sum(p.numel() for p in m.parameters()))
            if nc == 80:
                n_conv = sum(type(x).__name__ == "Conv2d" for x in m.modules())
                check(f"Conv2d of yolo11{scale}{kind} (+1 fixed)", convs[kind][scale], n_conv - 1)
            if nc == 80 and not kind:
                check(f"fused parameters yolo11{scale}", fused[scale],
                      sum(p.numel() for p in m.fuse(verbose=False).parameters()))


def operators(models):
    want = {
        "yolo11n": dict(Conv=88, Sigmoid=78, Mul=79, Add=16, Sub=2, Div=1, Concat=23, Split=11,
                        Slice=2, MaxPool=3, Resize=2, Reshape=8, Transpose=3, MatMul=2, Softmax=2),
        "yolo11n-seg": dict(Conv=100, ConvTranspose=1, Sigmoid=87, Mul=88, Add=16, Sub=2, Div=1,
                            Concat=25, Split=11, Slice=2, MaxPool=3, Resize=2, Reshape=11,
                            Transpose=3, MatMul=2, Softmax=2),
    }
    for name, ops in want.items():
        got = collections.Counter(n.op_type for n in onnx.load(models / f"{name}.onnx").graph.node)
        for op in sorted(set(ops) | set(got)):
            check(f"{name} {op}", ops.get(op, 0), got[op])
    static = set(want["yolo11n-seg"])
    for name in ("yolo11n-noslim", "yolo11n-dynamic", "yolo11n-dynamic-noslim",
                 "yolo11n-dynamic-noslim-opset11"):
        ops = {n.op_type for n in onnx.load(models / f"{name}.onnx").graph.node}
        print(f"      {name} additionally: {', '.join(sorted(ops - static))}")
    for name in ("yolo11n", "yolo11n-dynamic", "yolo11n-seg-dynamic", "yolo11n-nms",
                 "yolo11n-seg-nms", "yolo11n-f16"):
        m = onnx.load(models / f"{name}.onnx")
        for o in m.graph.output:
            t = o.type.tensor_type
            dims = [d.dim_param or d.dim_value for d in t.shape.dim]
            print(f"      {name} {o.name} {onnx.TensorProto.DataType.Name(t.elem_type)} {dims}")


def letterbox():
    for h, w, size, rect, inner, pads, outer in (
            (3000, 4000, 1024, True, (768, 1024), (0, 0, 0, 0), (768, 1024)),
            (3000, 4000, 1024, False, (768, 1024), (128, 128, 0, 0), (1024, 1024)),
            (512, 512, 640, False, (640, 640), (0, 0, 0, 0), (640, 640)),
            (900, 400, 640, True, (640, 284), (0, 0, 2, 2), (640, 288)),
            (900, 400, 640, False, (640, 284), (0, 0, 178, 178), (640, 640)),
            (1571, 3775, 1280, False, (533, 1280), (373, 374, 0, 0), (1280, 1280))):
        out = LetterBox((size, size), auto=rect, stride=32)(image=np.zeros((h, w, 3), np.uint8))
        inside = np.argwhere((out != 114).all(2))
        top, left = inside.min(0)
        bottom, right = np.array(out.shape[:2]) - inside.max(0) - 1
        name = f"letterbox {h}x{w}@{size} {'rect' if rect else 'square'}"
        check(name, (inner, pads, outer),
              ((out.shape[0] - top - bottom, out.shape[1] - left - right),
               (top, bottom, left, right), out.shape[:2]))


def tiles():
    def grid(w, h):
        boxes = get_slice_bboxes(h, w, 512, 512, False, 0.25, 0.25)
        assert len({tuple(b) for b in boxes}) == len(boxes)
        return boxes

    for length, starts in ((512, [0]), (513, [0, 1]), (896, [0, 384]), (1000, [0, 384, 488])):
        check(f"tile starts on {length}", starts, sorted({b[0] for b in grid(length, 512)}))
    for w, h, n in ((3000, 1500, 32), (4000, 3000, 88)):
        check(f"tiles of {w}x{h}", n, len(grid(w, h)))
    bad = [n for n in range(512, 6000) if len(grid(n, 512)) != -(-(n - 128) // 384)]
    check("lengths 512..5999 whose tile count is not ceil((L-128)/384)", [], bad)


def merge_example():
    def box(x, score):
        return ObjectPrediction(bbox=[x, 0, x + 10, 10], category_id=0, category_name="a",
                                score=score, full_shape=[100, 100])

    out = GreedyNMMPostprocess(match_threshold=0.5, match_metric="IOS",
                               class_agnostic=False)([box(0, 0.9), box(5, 0.8)])
    check("IOS pair exactly 0.5", [[0, 0, 10, 10]], [list(map(int, o.bbox.to_xyxy())) for o in out])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--models", type=pathlib.Path, default=refenv.models_dir())
    a = p.parse_args()
    totals()
    letterbox()
    tiles()
    merge_example()
    if (a.models / "yolo11n.onnx").exists():
        operators(a.models)
    print(f"{wrong} figures differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
