"""Folders of captures in public layouts, read as scenes; the way in beside the way out.

A folder is one scene, or holds one folder a scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.scenes.datasets.posed import PosedScene
from surveyor.scenes.formats.apeiria import read_apeiria
from surveyor.scenes.formats.arkitscenes import read_arkit_objects, read_arkit_views
from surveyor.scenes.formats.scannet import read_scannet
from surveyor.scenes.formats.scannetpp import read_scannetpp

_ANNOTATED = "_3dod_annotation.json"


def read_captures(layout: str, folder: Path) -> list[PosedScene]:
    """Every scene of a layout below ``folder``, in order of name.

    Raises `UserError` that says what a folder of that layout holds, and what a scene lacks.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; give the folder of {layout} scenes")
    found = list(CAPTURES[layout](folder))
    if not found:
        raise UserError(f"{folder} holds no {layout} scene: {_HOLDS[layout]}")
    for scene in found:
        if not scene.views and not scene.objects:
            raise UserError(
                f"scene {scene.scene_id} in {folder} has neither frames nor objects; "
                f"{_HOLDS[layout]}"
            )
    return found


def _scenes(folder: Path, marks: str) -> Iterator[Path]:
    """The folder itself or the folders in it that have what marks a scene."""
    for path in (folder, *sorted(one for one in folder.iterdir() if one.is_dir())):
        if any(path.glob(marks)):
            yield path
            if path == folder:
                return


def _scannet(folder: Path) -> Iterator[PosedScene]:
    for path in _scenes(folder, "pose/*.txt"):
        yield PosedScene(path.name, tuple(read_scannet(path)))


def _scannetpp(folder: Path) -> Iterator[PosedScene]:
    for path in _scenes(folder, "iphone/colmap/images.txt"):
        yield PosedScene(path.name, tuple(read_scannetpp(path)))


def _arkitscenes(folder: Path) -> Iterator[PosedScene]:
    for path in _scenes(folder, f"*{_ANNOTATED}"):
        for annotation in sorted(path.glob(f"*{_ANNOTATED}")):
            video = annotation.name.removesuffix(_ANNOTATED)
            views = tuple(read_arkit_views(path, video))
            if not views:
                raise UserError(f"{path}/{video}_frames has no picture with a pose of its time")
            yield PosedScene(video, views, tuple(read_arkit_objects(annotation)))


def _apeiria(folder: Path) -> Iterator[PosedScene]:
    for path in sorted(folder.glob("*.json")):
        truth = read_apeiria(path)
        yield PosedScene(truth.scene_id, (), truth.objects, truth.rooms)


CAPTURES: Mapping[str, Callable[[Path], Iterator[PosedScene]]] = {
    "scannet": _scannet,
    "scannetpp": _scannetpp,
    "arkitscenes": _arkitscenes,
    "apeiria": _apeiria,
}
"""Layouts that are read as scenes to ask about, by name."""
_HOLDS: Mapping[str, str] = {
    "scannet": "one has color/, depth/, pose/*.txt and intrinsic/, as ScanNet's own export makes",
    "scannetpp": "one has iphone/rgb, iphone/depth and iphone/colmap/images.txt and cameras.txt",
    "arkitscenes": f"one has ID{_ANNOTATED} and ID_frames/ with lowres_wide, lowres_depth and "
    "lowres_wide.traj",
    "apeiria": "one is a .json with objects of a name, an id, a location and a size",
}
