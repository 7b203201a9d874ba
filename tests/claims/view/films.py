"""Embedded places as films: each one an mp4, and experts that know its decoded frames.

Reference experts know a frame by its bytes, and a film's frames are other bytes than those that
went in. So the dataset is written anew with the frames that `surveyor ask` will read from the film;
truth, questions and order stay.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import orjson

from surveyor.core.dataset import CAPTURES, MANIFEST, Dataset, public_hash
from surveyor.core.images import rgb
from surveyor.core.photos import read_photos
from surveyor.scenes.datasets.truth import FRAMES


def can_film() -> bool:
    """Whether mp4 can be written here."""
    return find_spec("av") is not None


def films(dataset: Dataset, root: Path) -> tuple[Path, dict[str, Path]]:
    """A dataset of the same scenes as their films show them, and the film of every scene."""
    target = root / "filmed"
    shutil.copytree(dataset.path, target)
    made = Dataset(target, dataset.manifest)
    paths = {}
    for scene, capture in dataset.captures.items():
        path = root / f"{scene}.mp4"
        _film([dataset.blobs.get(f.image.sha256) for f in capture.frames], path)
        photos = read_photos([path]).photos
        assert len(photos) == len(capture.frames), "a short film is read whole"
        frames = tuple(
            frame.model_copy(
                update={
                    "image": made.blobs.put(p.data, p.media_type, width=p.width, height=p.height)
                }
            )
            for frame, p in zip(capture.frames, photos, strict=True)
        )
        capture = capture.model_copy(update={"frames": frames})
        (target / CAPTURES / f"{scene}.json").write_text(capture.model_dump_json())
        paths[scene] = path
    known = {
        f.image.sha256: [scene, f.index] for scene in paths for f in made.captures[scene].frames
    }
    (target / FRAMES).write_bytes(orjson.dumps(known))
    digest = public_hash(target, dataset.manifest.scenes)
    manifest = dataset.manifest.model_copy(update={"tasks_hash": digest})
    (target / MANIFEST).write_text(manifest.model_dump_json())
    return target, paths


def _film(pictures: list[bytes], path: Path) -> None:
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=2)
        first = rgb(pictures[0])
        stream.width, stream.height = first.size
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "18"}
        for data in pictures:
            pixels = np.asarray(rgb(data))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode())
