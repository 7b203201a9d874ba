"""A projector between views and a language model, tiny: its road, not what VGGT would bring."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trl")

from PIL import Image

from surveyor.core.anchor_actions import AnchorAction, read_action
from surveyor.core.geometry import Intrinsics, Pose
from surveyor.core.geometry_tokens import view_geometry
from surveyor.scenes.formats.posed_images import camera_of
from surveyor.training.geometry.model import GeometryModel
from surveyor.training.geometry.records import Mixed, read_records
from surveyor.training.geometry.spoken import pattern
from surveyor.training.geometry.train import GeometrySettings, example_loss, train_geometry
from surveyor.training.models.tiny import make_tiny

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]

SIZES = {"latents": 4, "width": 32, "layers": 1}


def record(scene: int, task: str) -> dict[str, object]:
    """A row about one of a few scenes, whose colour says where the anchor is."""
    name = f"room_{scene}"
    pose = Pose.look_at(np.array([1.0 + scene, 1, 1.5]), np.array([2.0, 3, 1])).T_world_camera
    camera = camera_of(pose, Intrinsics.from_hfov(1.0, 32, 24))
    depth = np.full((24, 32), 1.0 + scene, np.float32)
    told = view_geometry(camera, depth).model_dump(mode="json")
    action = AnchorAction(name, (0.5 * scene, 1.0, 0.4), (0.0, 0.0, 1.0), (0.5, 0.5, 0.8))
    question, answer = "What color is the bed?", ("red", "blue", "green")[scene % 3]
    if task == "anchor":
        question, answer = "Place a virtual anchor at the bed.", action.text()
    return {
        "images": [f"{name}/{k}.jpg" for k in range(3)],
        "geometry": [told, None, told],
        "task": task,
        "question": question,
        "answer": answer,
        "scene_id": name,
        "question_id": f"{name}/{task}",
        "split": "train",
    }


def written(folder: Path, task: str) -> Path:
    folder.mkdir(parents=True)
    rows = [record(scene, task) for scene in range(3)]
    (folder / "records.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for scene in range(3):
        place = folder / f"room_{scene}"
        place.mkdir()
        for k in range(3):
            colour = tuple(250 if c == scene else 30 * k for c in range(3))
            out = io.BytesIO()
            Image.new("RGB", (32, 24), colour).save(out, "PNG")
            (place / f"{k}.jpg").write_bytes(out.getvalue())
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint and two sources of records."""
    root = tmp_path_factory.mktemp("geometry")
    sources = [(written(root / "qa", "scanqa"), 0.7), (written(root / "anchors", "anchor"), 0.3)]
    texts = Mixed(sources, 0, 40, ("train",)).texts
    make_tiny(root / "random", texts * 3)
    return root


def settings(**changed: object) -> GeometrySettings:
    base = {"features": "tiny", "steps": 200, "batch": 2, "rate": 2e-3, "projector_rate": 4e-3}
    return GeometrySettings.model_validate({**base, **SIZES, "save_every": 1000, **changed})


def sources(place: Path) -> list[tuple[Path, float]]:
    return [(place / "qa", 0.7), (place / "anchors", 0.3)]


@pytest.fixture(scope="module")
def trained(place: Path) -> Path:
    return train_geometry(place / "random", sources(place), place / "out", settings())


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_the_projector_has_a_gradient_and_the_loss_falls(trained: Path) -> None:
    rows = [json.loads(s) for s in (trained.parent / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 200
    assert min(row["grad_norm"] for row in rows) > 0
    first, last = np.mean(losses(trained.parent)[:10]), np.mean(losses(trained.parent)[-10:])
    assert last < 0.3 * first
    middle = rows[60]
    assert middle["projector_rate"] == pytest.approx(2 * middle["rate"]), "two rates"


def test_a_frozen_language_model_still_lets_the_projector_learn(
    place: Path, tmp_path: Path
) -> None:
    import torch

    frozen = settings(rate=0, steps=3)
    model = GeometryModel.load(train_geometry(place / "random", sources(place), tmp_path, frozen))
    before = GeometryModel.fresh(place / "random", "tiny", **SIZES)
    for name, weight in model.language.state_dict().items():
        assert torch.equal(weight, before.language.state_dict()[name])
    rows = [json.loads(s) for s in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert min(row["grad_norm"] for row in rows) > 0


def test_views_are_inserted_and_have_no_labels_and_prompts_are_those_of_training(
    trained: Path, place: Path
) -> None:
    model = GeometryModel.load(trained)
    (example, *_) = read_records(place / "anchors")
    asked, said = model.prompt(example.record.question), model.spoken(example.said)
    latents = model.seen([example.folder / n for n in example.record.images], None)
    whole, told = model.embedded([*asked, *said], latents)
    assert whole.shape[1] == len(asked) + len(said) + 4 - 1 == len(told)
    words = [k for k in told if k >= 0]
    pad = model.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert words == [k for k in (*asked, *said) if k != pad], "not a word is overwritten"
    _, alone = model.embedded(asked, latents)
    assert told[: len(alone)] == alone, "what is asked in training is what is asked in answering"


def test_dropped_views_and_unknown_geometry_matter(trained: Path, place: Path) -> None:
    model = GeometryModel.load(trained)
    (example, *_) = read_records(place / "anchors")
    pictures = [example.folder / name for name in example.record.images]
    geometry = example.record.geometry
    assert geometry is not None
    everything = model.seen(pictures, geometry)
    assert not np.allclose(everything.detach(), model.seen(pictures, None).detach())
    assert not np.allclose(everything.detach(), model.seen(pictures, geometry, [0]).detach())
    # What a view shows that is left out changes nothing.
    swapped = [pictures[0], pictures[2], pictures[1]]
    kept = model.seen(pictures, [geometry[0], None, None], [0])
    assert np.allclose(
        kept.detach(), model.seen(swapped, [geometry[0], None, None], [0]).detach(), atol=1e-6
    )


def test_stopping_and_going_on_gives_the_same_losses(place: Path, tmp_path: Path) -> None:
    short = settings(steps=8)
    train_geometry(place / "random", sources(place), tmp_path / "whole", short)
    train_geometry(place / "random", sources(place), tmp_path / "halved", short, until=3)
    assert len(losses(tmp_path / "halved")) == 3
    train_geometry(place / "random", sources(place), tmp_path / "halved", short)
    assert losses(tmp_path / "halved") == pytest.approx(losses(tmp_path / "whole"), abs=1e-6)


@pytest.mark.parametrize("which", ["random", "trained"])
def test_every_constrained_answer_is_a_whole_action(which: str, trained: Path, place: Path) -> None:
    model = GeometryModel.load(trained)
    if which == "random":
        model = GeometryModel.fresh(place / "random", "tiny", **SIZES)
    for example in read_records(place / "anchors"):
        record = example.record
        latents = model.seen([example.folder / n for n in record.images], record.geometry)
        said = model.answer(record.question, latents, form=pattern(record.scene_id))
        read_action(said, record.scene_id, 3)  # raises for anything else


def test_what_is_learnt_rests_on_the_views(trained: Path, place: Path) -> None:
    """The question is the same in every room: only the views tell the answer."""
    model = GeometryModel.load(trained)
    dice = random.Random(0)
    rows = read_records(place / "qa")
    right = np.mean([float(example_loss(model, row, 0.0, dice).detach()) for row in rows])
    assert right < 0.5
