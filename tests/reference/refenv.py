# SPDX-License-Identifier: Apache-2.0
"""Where the reference scripts find things, and what keeps the libraries quiet and reproducible.

Import this before ultralytics or sahi: they read their environment at import. Both would otherwise
write settings into the home directory, look for updates and install packages on their own.
"""
import hashlib
import os
import pathlib
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

os.environ.setdefault("YOLO_CONFIG_DIR", os.path.join(tempfile.gettempdir(), "demeter-ref-yolo"))
os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")
os.environ.setdefault("YOLO_VERBOSE", "false")
os.makedirs(os.environ["YOLO_CONFIG_DIR"], exist_ok=True)


def material_dir():
    """The shared test material: $DEMETER_MATERIAL, else beside the source tree."""
    return pathlib.Path(os.environ.get("DEMETER_MATERIAL", ROOT.parent / "shared" / "material"))


def models_dir():
    """Where exports of the reference weights lie; never inside the repository's history."""
    return pathlib.Path(os.environ.get("DEMETER_REF_MODELS", ROOT / "out" / "ref" / "models"))


def photos(material=None):
    """Every shared photo, in a fixed order."""
    base = (material or material_dir()) / "photos"
    return sorted(p for p in base.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))


def extra_pictures(material=None):
    """Pictures beside the photos that hold many objects of COCO's classes."""
    base = (material or material_dir()) / "datasets"
    names = ["boats.jpg", "small-vehicles1.jpeg", "terrain1.jpg", "terrain2.png"]
    return ([p for p in (base / "sahi_samples" / n for n in names) if p.exists()] +
            sorted((base / "coco8_seg" / "images" / "val").glob("*.jpg")))


def by_sha256(paths):
    """Hex digest of the file -> path."""
    return {hashlib.sha256(p.read_bytes()).hexdigest(): p for p in paths}
