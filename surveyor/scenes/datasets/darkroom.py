"""Develops frames of long walks: ``python -m surveyor.scenes.datasets.darkroom``.

One JSON line ``[dataset, scene, frame]`` in, one line out: an empty text, or what went wrong. A
frame's picture goes beside its negative, its exact maps to the truth side; both are traced by the
same rays. The places that were asked for last stay in memory, because their light costs seconds.
"""

from __future__ import annotations

import json
import os
import sys
from functools import lru_cache
from pathlib import Path

from surveyor.core.blobs import BlobStore
from surveyor.core.cameras import Capture
from surveyor.core.dataset import BLOBS, CAPTURES
from surveyor.core.errors import SurveyorError
from surveyor.core.negatives import picture_path
from surveyor.scenes.capture.depth_maps import FrameMaps, encode_maps
from surveyor.scenes.capture.rendering import Renderer, encode_jpeg
from surveyor.scenes.datasets.truth import film_of, load_truth, maps_path
from surveyor.scenes.datasets.walks import renderer_of
from surveyor.scenes.records import SceneTruth


@lru_cache(maxsize=2)
def _scene(dataset: Path, scene_id: str) -> tuple[SceneTruth, Capture, Renderer]:
    capture = dataset / CAPTURES / f"{scene_id}.json"
    return (
        load_truth(dataset, scene_id),
        Capture.model_validate_json(capture.read_bytes()),
        renderer_of(film_of(dataset, scene_id)),
    )


def develop_frame(dataset: Path, scene_id: str, frame: int) -> None:
    """Make what is missing of one frame; raises `SurveyorError` where it can't be made."""
    truth, capture, renderer = _scene(dataset, scene_id)
    shown = renderer.render(truth.cameras[frame])
    assert shown.rgb is not None
    maps = encode_maps(FrameMaps(shown.depth, shown.ids))
    _write(maps_path(dataset, scene_id, frame), maps)
    blob = BlobStore(dataset / BLOBS).path(capture.frames[frame].image.sha256)
    _write(picture_path(blob), encode_jpeg(shown.rgb))


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def main() -> int:
    """Answer until standard input ends."""
    for line in sys.stdin:
        dataset, scene_id, frame = json.loads(line)
        said = ""
        try:
            develop_frame(Path(dataset), scene_id, frame)
        except (SurveyorError, OSError) as error:
            said = str(error)
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
