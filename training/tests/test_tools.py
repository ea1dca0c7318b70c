# SPDX-License-Identifier: Apache-2.0
"""What stands around the network: cuts of labelled pictures, measures, and the way from an exported
file back to a network that learns.

    python -m unittest discover training/tests
"""

import pathlib
import random
import sys
import tempfile
import unittest

import numpy as np
import torch
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import data  # noqa: E402
import evaluate  # noqa: E402
import export  # noqa: E402
import finetune  # noqa: E402
from train import begin_from  # noqa: E402
from yolo11 import YOLO11  # noqa: E402


def folder(lines, w=200, h=160):
    """A folder of one grey picture with these labels."""
    d = tempfile.mkdtemp()
    Image.new("RGB", (w, h), (90, 90, 90)).save(f"{d}/a.png")
    pathlib.Path(f"{d}/a.txt").write_text(lines)
    return d


class Labels(unittest.TestCase):
    def test_boxes_and_outlines(self):
        f = data.Folder(folder("1 0.5 0.5 0.2 0.25\n7 0.1 0.1 0.1 0.1\n"), classes=(1, 7))
        _, rows = f.load(0)
        np.testing.assert_allclose(rows, [[0, 80, 60, 120, 100], [1, 10, 8, 30, 24]], atol=1e-4)
        self.assertIsNone(f.outlines(0, (200, 160)))
        f = data.Folder(folder("3 0 0 0.5 0 0.5 0.5\n"), classes=(3,))
        _, rows = f.load(0)
        np.testing.assert_allclose(rows, [[0, 0, 0, 100, 80]], atol=1e-4)
        np.testing.assert_allclose(f.outlines(0, (200, 160))[0], [[0, 0], [100, 0], [100, 80]])

    def test_no_label_is_background(self):
        d = folder("")
        pathlib.Path(f"{d}/a.txt").unlink()
        self.assertEqual(data.Folder(d).load(0)[1].shape, (0, 5))

    def test_clip(self):
        square = np.array([[-5, -5], [5, -5], [5, 5], [-5, 5]], np.float32)
        p = data.clip_polygon(square, 10, 10)
        self.assertEqual(sorted(map(tuple, p.tolist())), [(0, 0), (0, 5), (5, 0), (5, 5)])
        self.assertEqual(len(data.clip_polygon(square - 20, 10, 10)), 0)

    def test_cut_moves_boxes_with_pixels(self):
        a = np.full((160, 200, 3), 90, np.uint8)
        a[40:80, 100:150] = 255
        rows = np.array([[0, 100, 40, 150, 80]], np.float32)
        for box in ((60, 20, 180, 140), (90, 30, 160, 100), (80, -40, 200, 80)):
            im, out, _ = data.cut(Image.fromarray(a), rows, None, box, (240, 240))
            white = np.argwhere(np.asarray(im)[..., 0] > 200)
            seen = [white[:, 1].min(), white[:, 0].min(), white[:, 1].max() + 1, white[:, 0].max() + 1]
            np.testing.assert_allclose(out[0, 1:], seen, atol=3)

    def test_cut_drops_what_it_cuts_off(self):
        rows = np.array([[0, 0, 0, 100, 100]], np.float32)
        im = Image.new("RGB", (200, 200))
        self.assertEqual(len(data.cut(im, rows, None, (80, 0, 180, 100), (64, 64))[1]), 0)
        self.assertEqual(len(data.cut(im, rows, None, (60, 0, 160, 100), (64, 64))[1]), 1)

    def test_samples_stay_inside(self):
        boxes = data.Folder(folder("0 0.5 0.5 0.4 0.4\n0 0.1 0.2 0.1 0.2\n"))
        lines = data.Folder(folder("0 0.2 0.2 0.8 0.3 0.7 0.9 0.1 0.8\n"))
        for i in range(30):
            rng = random.Random(i)
            _, c, b = data.sample(boxes, 0, 96, rng, p_mosaic=0.5)
            self.assertTrue(len(c) == len(b) and (b >= 0).all() and (b <= 96).all())
            _, c, b, m = data.sample(lines, 0, 96, rng, "segment", 0.5)
            self.assertEqual(m.shape, (len(c), 24, 24))
            for box, mask in zip(b, m):
                y, x = np.nonzero(mask.numpy())
                self.assertTrue(x.min() * 4 >= box[0] - 4 and x.max() * 4 <= box[2] + 4)
                self.assertTrue(y.min() * 4 >= box[1] - 4 and y.max() * 4 <= box[3] + 4)

    def test_same_seed_same_batches(self):
        f = data.Folder(folder("0 0.5 0.5 0.4 0.4\n"))
        one = next(data.batches(f, 64, 1, 5, start=3, big=96, p_big=0.5))[0]
        g = data.batches(f, 64, 1, 5, big=96, p_big=0.5)
        for _ in range(3):
            next(g)
        self.assertTrue(torch.equal(one, next(g)[0]))


class Photos(unittest.TestCase):
    def test_pieces_show_plants_as_large_as_promised(self):
        photos = data.Folder(folder("0 0.25 0.25 0.05 0.05\n0 0.9 0.9 0.05 0.05\n", 600, 600))
        k = finetune.enlargement(photos)
        self.assertAlmostEqual(k, 36 / 30, delta=0.1)
        to = pathlib.Path(tempfile.mkdtemp())
        finetune.enlarged(photos, k, to)
        pieces = data.Folder(to)
        self.assertEqual(len(pieces), len(finetune.starts(round(600 * k))) ** 2)
        seen = [r for i in range(len(pieces)) for r in pieces.load(i)[1]]
        self.assertGreaterEqual(len(seen), 2)
        np.testing.assert_allclose([max(r[3] - r[1], r[4] - r[2]) for r in seen], 30 * k, atol=0.5)

    def test_pieces_cover(self):
        for length in (100, 420, 421, 757, 1707, 4000):
            at = finetune.starts(length)
            self.assertEqual(at[0], 0)
            self.assertEqual(at[-1], max(0, length - finetune.PIECE))
            self.assertTrue(all(b - a <= 0.81 * finetune.PIECE for a, b in zip(at, at[1:])))


    def test_points_become_boxes(self):
        d = pathlib.Path(tempfile.mkdtemp())
        for name in ("image", "label"):
            (d / name).mkdir()
        Image.new("RGB", (400, 200)).save(d / "image/a.png")
        Image.new("RGB", (400, 200)).save(d / "image/unlabelled.png")
        (d / "label/a.txt").write_text("100,100\n140,100\n 180 100\n300,100\n")
        source = finetune.pictures_of(d)
        f = data.Folder(finetune.from_points(source, d / "boxes"))
        self.assertEqual(len(f), 1)
        _, rows = f.load(0)
        np.testing.assert_allclose((rows[:, 1] + rows[:, 3]) / 2, [100, 140, 180, 300], atol=0.01)
        # 0.9 of the 40 px to the neighbour; of the 120 px of the last not more than twice that
        np.testing.assert_allclose(rows[:, 3] - rows[:, 1], [36, 36, 36, 72], atol=0.01)
        np.testing.assert_allclose(rows[:, 4] - rows[:, 2], [36, 36, 36, 72], atol=0.01)

    def test_photos_are_kept_back(self):
        d = folder("0 0.5 0.5 0.2 0.2\n")
        for name in "bcdefghijkl":
            Image.new("RGB", (20, 20)).save(f"{d}/{name}.png")
        f = data.Folder(d)
        kept = f.split(5)
        self.assertEqual([p.stem for p in kept.paths], ["e", "j"])
        self.assertEqual((len(f), len(f.paths), len(kept)), (10, 10, 2))


class Measures(unittest.TestCase):
    def test_average_precision_by_hand(self):
        # hit, miss, hit of 4 truths: 1/4 * 1 + 1/4 * 2/3
        ap = evaluate.average_precision(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.7]), 4)
        self.assertAlmostEqual(ap, 0.25 + 0.25 * 2 / 3)

    def test_spare_truth_is_neither_hit_nor_miss(self):
        truth = np.array([[0, 0, 10, 10], [20, 0, 24, 4]], float)
        found = np.array([[0, 0, 10, 10], [20, 0, 24, 4], [50, 50, 60, 60], [0, 0, 10, 9]], float)
        hits = evaluate.match(evaluate.iou_matrix(found, truth), np.array([0.9, 0.8, 0.7, 0.6]), 0.5,
                              np.array([False, True]))
        self.assertEqual(hits.tolist(), [1, -1, 0, 0])

    def test_errors(self):
        e = evaluate.errors([(10, 12), (20, 18), (0, 3)])
        self.assertEqual((e["truth"], e["counted"]), (30, 33))
        self.assertAlmostEqual(e["mape"], (0.2 + 0.1) / 2)
        self.assertAlmostEqual(e["mae"], 7 / 3)
        self.assertAlmostEqual(e["bias"], 0.1)

    def test_masks(self):
        square = [[0, 0], [79, 0], [79, 79], [0, 79]]
        half = [[0, 0], [79, 0], [79, 39], [0, 39]]
        a = evaluate.raster([square, half], 160, 160)
        self.assertAlmostEqual(float(evaluate.mask_iou(a, a)[0, 1]), 0.5, delta=0.06)


class BackFromOnnx(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(3)
        self.pictures = torch.rand(4, 3, 96, 96)
        net = YOLO11("detect", "n", 2)
        net.train()
        for _ in range(4):
            net(self.pictures)  # moves the norms away from where they begin
        for branch in (*net.model[-1].cv2, *net.model[-1].cv3):
            branch[-1].bias.data += torch.randn(branch[-1].bias.shape)  # equal ones share a tensor
        self.net = net.eval()

    def write(self, **more):
        m = export.to_onnx(self.net, 96)
        export.halve(m)
        o = type("O", (), dict(description="", author="", date="", version="", license="", imgsz=96,
                             plant_px=28, tile=None, **more))
        export.metadata(m, o, "detect", ["a", "b"][:self.net.nc])
        path = tempfile.mkdtemp() + "/m.onnx"
        pathlib.Path(path).write_bytes(m.SerializeToString())
        return path

    def test_the_way_back_computes_the_same(self):
        with torch.no_grad():
            fused, names = finetune.fused_from_onnx(self.write())
            self.assertEqual(names, ["a", "b"])
            again = finetune.unfuse(fused, self.pictures)
            torch.testing.assert_close(again(self.pictures), fused(self.pictures), atol=2e-3, rtol=1e-3)
            again.model[23].cv2[0][1].bn.bias += 5  # a planted fault must show
            self.assertGreater((again(self.pictures) - fused(self.pictures)).abs().max(), 0.01)

    def test_keep_classes(self):
        with torch.no_grad():
            both = self.net(self.pictures)
            self.assertEqual(export.keep_classes(self.net, ["a", "b"], ["b"]), ["b"])
            one = self.net(self.pictures)
        torch.testing.assert_close(one[:, :4], both[:, :4])
        torch.testing.assert_close(one[:, 4], both[:, 5])

    def test_scores_are_shifted(self):
        with torch.no_grad():
            before = self.net(self.pictures)[:, 4:]
            export.shift_scores(self.net, 0.4)
            after = self.net(self.pictures)[:, 4:]
        torch.testing.assert_close(torch.logit(after) - torch.logit(before),
                                   torch.full_like(after, export.logit(0.25) - export.logit(0.4)),
                                   atol=1e-2, rtol=0)

    def test_scale_is_written(self):
        meta = {p.key: p.value for p in export.onnx.load(self.write()).metadata_props}
        self.assertEqual(meta["demeter_plant_px"], "28")
        self.assertNotIn("demeter_tile", meta)

    def test_begin_from_other_classes(self):
        path = tempfile.mkdtemp() + "/c.pt"
        torch.save({"task": "detect", "ema": self.net.state_dict()}, path)
        more = YOLO11("detect", "n", 3)
        begin_from(more, path, "cpu")
        mine, theirs = more.state_dict(), self.net.state_dict()
        key = "model.23.cv3.0.2.weight"
        self.assertTrue(torch.equal(mine[key][:2], theirs[key]))
        self.assertTrue(torch.equal(mine["model.0.conv.weight"], theirs["model.0.conv.weight"]))
        seg = YOLO11("segment", "n", 4)
        fresh = seg.state_dict()[key].clone()
        begin_from(seg, path, "cpu")
        self.assertTrue(torch.equal(seg.state_dict()[key], fresh))


if __name__ == "__main__":
    unittest.main()
