"""All layouts by name, and one function that exports a dataset in any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.truth import scene_truth, scene_truths
from surveyor.scenes.formats.apeiria import write_apeiria
from surveyor.scenes.formats.arkitscenes import write_arkitscenes
from surveyor.scenes.formats.gpt4scene import record, write_dataset_info, write_sharegpt
from surveyor.scenes.formats.grounding import write_grounding
from surveyor.scenes.formats.marked_frames import TOP, write_marked
from surveyor.scenes.formats.posed_images import dataset_views
from surveyor.scenes.formats.question_records import asked
from surveyor.scenes.formats.roomplan import write_roomplan
from surveyor.scenes.formats.scannet import write_scannet
from surveyor.scenes.formats.scannetpp import write_scannetpp
from surveyor.scenes.formats.vsibench import write_vsibench

Exporter = Callable[[Path, Path], None]


def export_dataset(path: Path, out: Path, layout: str) -> None:
    """Export the dataset at ``path`` into the folder ``out``; `UserError` for an unknown layout."""
    if layout not in LAYOUTS:
        raise UserError(f"there is no layout {layout!r}; choose from {', '.join(LAYOUTS)}")
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty; choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    try:
        LAYOUTS[layout](path, out)
    except UserError:
        if not any(out.iterdir()):
            out.rmdir()
        raise


def _scannet(path: Path, out: Path) -> None:
    for name in Dataset.open(path).manifest.scenes:
        write_scannet(out / name, dataset_views(path, name))


def _scannetpp(path: Path, out: Path) -> None:
    for name in Dataset.open(path).manifest.scenes:
        write_scannetpp(out / name, dataset_views(path, name))


def _arkitscenes(path: Path, out: Path) -> None:
    for name in Dataset.open(path).manifest.scenes:
        objects = scene_truth(path, name).objects
        write_arkitscenes(out / name, name, dataset_views(path, name), objects)


def _apeiria(path: Path, out: Path) -> None:
    for truth in scene_truths(path):
        write_apeiria(out / f"{truth.scene_id}.json", truth)


def _grounding(path: Path, out: Path) -> None:
    if not write_grounding(path, out):
        raise UserError(
            f"the dataset in {path} asks nothing that these layouts hold; make one that does with "
            "`surveyor rooms make --type all`"
        )


def _gpt4scene(path: Path, out: Path, *, marks: bool = True) -> None:
    dataset = Dataset.open(path)
    found = []
    for row in asked(path):
        scene = row.task.scene_id
        frames = [f"{scene}/{frame.index:05d}.png" for frame in row.task.frames]
        images = [f"{scene}/{TOP}.png", *frames]
        if (made := record(row, images)) is not None:
            found.append(made)
    for name in dataset.captures:
        write_marked(dataset, name, out, marks=marks)
    write_sharegpt(out / "records.json", found)
    write_dataset_info(out, "records.json")


LAYOUTS: Mapping[str, Exporter] = {
    "vsibench": write_vsibench,
    "vsibench-video": partial(write_vsibench, video=True),
    "scannet": _scannet,
    "scannetpp": _scannetpp,
    "arkitscenes": _arkitscenes,
    "apeiria": _apeiria,
    "grounding": _grounding,
    "gpt4scene": _gpt4scene,
    "gpt4scene-unmarked": partial(_gpt4scene, marks=False),
    "roomplan": write_roomplan,
}
