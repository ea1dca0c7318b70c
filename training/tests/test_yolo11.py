# SPDX-License-Identifier: Apache-2.0
"""Our definition of the nets against what is known of them.

    python training/tests/test_yolo11.py

Parameter totals must equal the published ones. With the development material at hand (environment
DEMETER_MATERIAL) reference weights loaded into our nets must reproduce recorded outputs.
"""

import os
import pathlib
import sys
import unittest

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from loss import assign, ciou, detect_loss, dfl, mask_loss  # noqa: E402
from yolo11 import YOLO11  # noqa: E402

TOTALS = {
    ("detect", 80): dict(n=2624080, s=9458752, m=20114688, l=25372160, x=56966176),
    ("detect", 1): dict(n=2590035, s=9428179, m=20053779, l=25311251, x=56874931),
    ("segment", 80): dict(n=2876848, s=10113248, m=22420896, l=27678368, x=62142656),
    ("segment", 4): dict(n=2843388, s=10083836, m=22362300, l=27619772, x=62054876),
}
MATERIAL = os.environ.get("DEMETER_MATERIAL", "")


class Structure(unittest.TestCase):
    def test_parameter_totals(self):
        with torch.device("meta"):
            for (task, nc), scales in TOTALS.items():
                for scale, total in scales.items():
                    # the fixed kernel of the head counts as parameters upstream, too
                    self.assertEqual(YOLO11(task, scale, nc).count_parameters(), total, (task, nc, scale))

    def test_fused_total(self):
        self.assertEqual(YOLO11("detect", "n", 80).fuse().count_parameters(), 2616248)

    def test_fusing_changes_nothing(self):
        torch.manual_seed(3)
        net = YOLO11("segment", "n", 2)
        net.train()
        with torch.no_grad():
            net(torch.rand(4, 3, 64, 64))  # some running statistics
        net.eval()
        x = torch.rand(1, 3, 64, 96)
        with torch.no_grad():
            a, pa = net(x)
            b, pb = net.fuse()(x)
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(pa, pb, rtol=1e-3, atol=1e-4)
        self.assertEqual(tuple(a.shape), (1, 4 + 2 + 32, 8 * 12 + 4 * 6 + 2 * 3))
        self.assertEqual(tuple(pa.shape), (1, 32, 16, 24))


class Export(unittest.TestCase):
    def test_the_fixed_layer_stays_exact(self):
        """Readers recognise the layer by its weights 0..15; an average of them is not exact."""
        import tempfile
        from export import load
        net = YOLO11("detect", "n", 1)
        net.model[-1].dfl.conv.weight.data *= 1 + 1e-6
        with tempfile.NamedTemporaryFile() as f:
            torch.save({"task": "detect", "scale": "n", "names": ["item"], "ema": net.state_dict()}, f.name)
            again, _ = load(f.name)
        self.assertEqual(again.model[-1].dfl.conv.weight.flatten().tolist(), list(range(16)))


@unittest.skipUnless(MATERIAL, "DEMETER_MATERIAL is not set: no reference weights")
class Reference(unittest.TestCase):
    def check(self, task, stem, picture):
        from PIL import Image
        from safetensors.torch import load_file
        weights = pathlib.Path(MATERIAL) / "weights"
        net = YOLO11(task, "n", 80).fuse().eval()
        state = load_file(str(weights / f"{stem}_fused_dequant_f32.safetensors"))
        missing, unexpected = net.load_state_dict(state, strict=False)
        self.assertEqual([k for k in missing if "dfl" not in k], [])
        self.assertEqual(unexpected, [])
        ref = weights / "reference_outputs"
        im = np.asarray(Image.open(ref / f"{picture}_input_640.png").convert("RGB"))
        x = torch.from_numpy(im.transpose(2, 0, 1)[None].astype(np.float32) / 255)
        with torch.no_grad():
            out = net(x)
        out, proto = out if task == "segment" else (out, None)
        want = np.load(next(ref.glob(f"{picture}_{stem}_*x8400.npy")))
        got = out[0].numpy()
        error = np.abs(got - want) / np.maximum(1, np.abs(want))
        self.assertLess(error.max(), 1e-3)
        broken = np.roll(got, 1, axis=1)  # the comparison would notice one anchor of shift
        self.assertGreater((np.abs(broken - want) / np.maximum(1, np.abs(want))).max(), 1e-2)
        if proto is not None:
            want = np.load(next(ref.glob(f"{picture}_{stem}_proto_*.npy")))
            self.assertLess(np.abs(proto[0].numpy() - want).max(), 1e-3)

    def test_detect(self):
        self.check("detect", "yolo11n", "coco36")
        self.check("detect", "yolo11n", "echeveria_pots")

    def test_segment(self):
        self.check("segment", "yolo11n-seg", "coco36")


class Losses(unittest.TestCase):
    def test_ciou(self):
        a = torch.tensor([[0., 0, 10, 10]])
        self.assertAlmostEqual(ciou(a, a).item(), 1, places=5)
        apart = ciou(a, torch.tensor([[20., 0, 30, 10]])).item()
        self.assertAlmostEqual(apart, -400 / 1000, places=5)  # 20^2 over the diagonal 30^2 + 10^2

    def test_dfl_is_least_at_its_target(self):
        target = torch.full((1, 4), 3.25)
        best = torch.full((1, 4, 16), -30.0)
        best[..., 3], best[..., 4] = np.log(0.75), np.log(0.25)
        worse = best.clone()
        worse[..., 3] = np.log(0.5)
        self.assertLess(dfl(best, target).item(), dfl(worse, target).item())

    def test_assignment(self):
        """Anchors stay inside their truth, an anchor has one owner, no truth is forgotten."""
        torch.manual_seed(1)
        y, x = torch.meshgrid(torch.arange(16) * 8 + 4., torch.arange(16) * 8 + 4., indexing="ij")
        points = torch.stack((x, y), -1).view(-1, 2)
        boxes = torch.cat((points - 12, points + 12), 1)
        truth = torch.tensor([[5., 5, 40, 40], [30, 30, 70, 64], [90, 90, 110, 120]])
        a, o, t = assign(torch.rand(256, 1), boxes, points, truth, torch.zeros(3, dtype=torch.long))
        self.assertEqual(len(a), len(set(a.tolist())))
        self.assertEqual(set(o.tolist()), {0, 1, 2})
        p, g = points[a], truth[o]
        self.assertTrue(bool(((p > g[:, :2]) & (p < g[:, 2:])).all()))
        self.assertTrue(bool((t > 0).all() and (t <= 1).all()))
        for k in range(3):
            self.assertLessEqual(int((o == k).sum()), 10)

    def test_a_step_down_the_gradient_helps(self):
        torch.manual_seed(2)
        net = YOLO11("segment", "n", 2).train()
        x = torch.rand(2, 3, 64, 64)
        targets = [(torch.tensor([0, 1]), torch.tensor([[4., 4, 30, 28], [30, 30, 60, 60]])),
                   (torch.zeros(0, dtype=torch.long), torch.zeros(0, 4))]
        masks = [(torch.rand(2, 16, 16) > 0.5), torch.zeros(0, 16, 16)]
        opt = torch.optim.SGD(net.parameters(), 1e-3)
        values = []
        for _ in range(6):
            heads, coef, proto = net(x)
            loss, _, assigned = detect_loss(heads, 2, targets)
            loss = loss + mask_loss(coef, proto, assigned, targets, masks, (64, 64))
            opt.zero_grad()
            loss.backward()
            opt.step()
            values.append(loss.item())
        self.assertLess(values[-1], values[0])


if __name__ == "__main__":
    unittest.main()
