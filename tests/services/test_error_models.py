"""Error models: driven by what the pixels show, repeatable, and as large as their preset says."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest

from surveyor.core.blobs import Derivation
from surveyor.core.errors import UserError
from surveyor.core.geometry import Pose
from surveyor.core.masks import decode_rle
from surveyor.services.contract import (
    DepthRequest,
    DetectRequest,
    ImageByHash,
    ReconstructRequest,
    SegmentRequest,
)
from surveyor.services.images import LoadedImage
from surveyor.services.reference.depth_errors import smeared
from surveyor.services.reference.evidence import ObjectEvidence, Seeing
from surveyor.services.reference.outline import projected_area
from surveyor.services.reference.presets import PRESETS, DetectErrors, preset
from surveyor.services.reference.quality import ImageQuality, luma, measure
from surveyor.services.reference.registration import rotation, spanning_tree
from surveyor.services.reference.restoration_discount import MeasuredImage
from surveyor.services.reference.seeding import chance, probability
from tests.services.bench import Bench
from tests.services.world import CHAIR_BOX, OBJECTS, _camera, frame_maps, make_dataset, textured

PHRASES = ("chair", "table", "sofa", "desk", "counter", "bench")
REALISTIC = PRESETS["realistic"]


@pytest.fixture(scope="module")
def fair(tmp_path_factory):
    """Many rooms filmed in good light."""
    return make_dataset(tmp_path_factory.mktemp("fair") / "s", scenes=24, frames=3, paint=textured)


@pytest.fixture(scope="module")
def dark(tmp_path_factory):
    """The same rooms, filmed in the dark by a noisy camera."""
    paint = partial(textured, gain=0.08, noise=2.0)
    return make_dataset(tmp_path_factory.mktemp("dark") / "s", scenes=24, frames=3, paint=paint)


def found(bench, scenes=24, frames=3):
    """Detections by (scene, frame, phrase)."""
    result = {}
    for scene in (f"room{number}" for number in range(scenes)):
        for index in range(frames):
            request = DetectRequest(image=bench.frame(scene, index), phrases=PHRASES)
            for one in bench.ask("detect", request).detections:
                result.setdefault((scene, index, one.phrase), one)
    return result


def real_share(detections):
    """Share of the 24 x 3 x 2 things that were found under their own name."""
    return sum(phrase in ("chair", "table") for _, _, phrase in detections) / 144


def test_the_dark_costs_detections_and_repeats_are_the_same(fair, dark, tmp_path):
    bright = found(Bench(fair, tmp_path))
    assert bright == found(Bench(fair, tmp_path))
    lost = real_share(bright) - real_share(found(Bench(dark, tmp_path)))
    assert lost > 0.15
    assert bright != found(Bench(fair, tmp_path, seed=1))


def test_a_harsh_world_is_harsher(dark, tmp_path):
    realistic = real_share(found(Bench(dark, tmp_path)))
    assert real_share(found(Bench(dark, tmp_path, "harsh"))) < realistic


def test_misses_of_one_object_hang_together_over_its_frames(dark, tmp_path):
    hits = found(Bench(dark, tmp_path))
    seen = np.array(
        [
            [(f"room{room}", index, phrase) in hits for index in range(3)]
            for room in range(24)
            for phrase in ("chair", "table")
        ],
        float,
    )
    apart = seen - seen.mean(axis=0)  # frames differ in what they show
    pairs = [(apart[:, i] * apart[:, j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert np.mean(pairs) > 0.15 * apart.var()  # independent frames: 0


def test_presets_have_the_parameters_of_the_study():
    realistic, harsh = REALISTIC, PRESETS["harsh"]
    slopes = [dataclasses.astuple(one.detect.recall)[:7] for one in (realistic, harsh)]
    assert slopes == [(1.6, 0.45, 2, 0.5, 0.35, 1.5, 0.6), (1.0, 0.6, 3, 1, 0.7, 3, 0.9)]
    joins = [(one.reconstruct.overlap, one.reconstruct.smooth) for one in (realistic, harsh)]
    assert joins == [(0.15, 0.015), (0.20, 0.025)]
    depths = [dataclasses.astuple(one.depth)[:4] for one in (realistic, harsh)]
    assert depths == [(0.06, 0.05, 0.03, 0.02), (0.08, 0.10, 0.05, 0.04)]
    assert [one.depth.quality for one in (realistic, harsh)] == [2, 4]
    assert [one.restore.credit for one in (realistic, harsh)] == [0.4, 0.4]


def test_soft_edges_are_placed_worse(fair, tmp_path, tmp_path_factory):
    paint = partial(textured, blur=3)
    soft = make_dataset(tmp_path_factory.mktemp("soft") / "s", scenes=6, frames=3, paint=paint)
    sure = "realistic:detect.recall.base=30,detect.confusion=0,detect.confusion_hard=0"

    def wrong(dataset):
        exact, drawn = (found(Bench(dataset, tmp_path, name), 6) for name in ("perfect", sure))
        boxes = [(exact[key].box, drawn[key].box) for key in exact if key in drawn]
        assert len(boxes) > 30
        return np.abs(np.diff(np.array(boxes), axis=1)).mean()

    assert wrong(soft) > 1.1 * wrong(fair)


def test_meters_see_dark_noise_and_blur():
    def of(**how):
        image = LoadedImage(textured(1, **how), max_pixels=10**8)
        return measure(luma(image.pixels))

    fair = of()
    assert of(gain=0.1).contrast < fair.contrast / 5
    assert of(noise=20).cnr < fair.cnr / 1.5
    assert of(blur=3).sharpness < fair.sharpness / 1.5
    assert of(gain=0.1, noise=3).overall < fair.overall < 1.001


def test_a_restored_frame_is_believed_only_in_part():
    poor, good = ImageQuality(0.02, 1.0, 0.2), ImageQuality(0.12, 11.0, 0.7)
    model = REALISTIC.detect.recall

    def sight(before, now, credit):
        def seeing(quality):
            return Seeing(quality, {1: ObjectEvidence(900, 0.8, quality)})

        return MeasuredImage(seeing(now), seeing(before) if before else None, credit)

    raw, plain = (sight(None, q, 0.4).logit(1, model) for q in (poor, good))
    assert sight(poor, good, 0.4).logit(1, model) == pytest.approx(raw + 0.4 * (plain - raw))
    assert sight(good, poor, 0.4).logit(1, model) == pytest.approx(raw)
    assert sight(poor, good, 0.4).quality.cnr == pytest.approx(5.0)
    assert sight(poor, good, 0.4).derived
    assert not sight(None, good, 0.4).derived


def test_chance_is_uniform_and_joint_between_frames_of_one_object():
    pairs = np.array([[chance(("thing", i), f, 0.5) for f in (0, 1)] for i in range(1500)])
    assert abs(pairs.mean() - 0.5) < 0.02
    assert abs(np.quantile(pairs, 0.25) - 0.25) < 0.03
    correlation = np.corrcoef(pairs.T)[0, 1]
    assert 0.38 < correlation < 0.58  # 6 / pi asin(.25) = .48
    assert chance(("thing", 1), 0, 0.5) == pairs[1, 0]


def test_masks_are_nearly_right_and_repeat(fair, tmp_path):
    bench = Bench(fair, tmp_path, "realistic:segment.edge=6")  # 1.2 pixels of a 64-wide image
    quality = []
    for scene in (f"room{number}" for number in range(24)):
        request = SegmentRequest(image=bench.frame(scene), boxes=(CHAIR_BOX,))
        (segment,) = bench.ask("segment", request).segments
        assert bench.ask("segment", request).segments == (segment,)
        mask, exact = decode_rle(segment.mask.size, segment.mask.counts), frame_maps(0).ids == 1
        quality.append((mask & exact).sum() / (mask | exact).sum())
    assert 0.75 < np.median(quality) < 1.0
    assert len(set(quality)) > 12


def test_depth_is_wrong_by_a_scale_of_the_scene_and_one_of_the_frame(fair, tmp_path):
    bench = Bench(fair, tmp_path, "realistic:depth.quality=0")
    logs = np.array(
        [
            [np.log(_ratio(bench, f"room{scene}", index)) for index in range(3)]
            for scene in range(24)
        ]
    )
    between, within = logs.mean(axis=1).std(), logs.std(axis=1, ddof=1).mean()
    assert 0.035 < between < 0.10  # sqrt(.06^2 + .05^2 / 3) = .067
    assert 0.02 < within < 0.08


def _ratio(bench, scene, index):
    answer = bench.ask("depth", DepthRequest(image=bench.frame(scene, index)))
    values, exact = bench.array(answer.depth), frame_maps(index).depth
    assert values.dtype == np.float32
    assert np.all((values > 0) == (exact > 0))
    return np.median(values[exact > 0] / exact[exact > 0])


def test_edges_fly_and_flat_parts_stay():
    depth = np.full((20, 20), 2.0, np.float32)
    depth[:, 10:] = 4.0
    bled = smeared(depth, 2)
    assert np.all(bled[:, :7] == 2)
    assert np.all((bled[:, 9:11] > 2.2) & (bled[:, 9:11] < 3.8))


def test_a_free_reconstruction_keeps_its_own_proportions(fair, tmp_path):
    bench = Bench(fair, tmp_path, "realistic:reconstruct.overlap=0,reconstruct.smooth=0")
    request = ReconstructRequest(images=tuple(bench.frame("room3", i) for i in range(3)))
    answer = bench.ask("reconstruct", request)
    assert (answer.scale, answer.world, answer.missing) == ("relative", "own", ())
    depths = [bench.array(view.depth) for view in answer.views]
    scale = np.median(depths[0][depths[0] > 0] / frame_maps(0).depth[depths[0] > 0])
    assert scale != pytest.approx(1, abs=1e-3)
    centres = np.array([np.array(view.T_world_camera)[:3, 3] for view in answer.views])
    apart = np.linalg.norm(centres[2] - centres[0]) / scale
    assert apart == pytest.approx(1.0, rel=0.15)  # metres between the true cameras
    up = (
        np.array(answer.views[0].T_world_camera)[:3, :3]
        @ np.array(_camera(0).T_world_camera)[:3, :3].T
    )
    assert np.degrees(np.arccos(up[2, 2])) < 8  # gravity is known, to a few degrees


def test_views_that_share_too_little_are_missing(fair, tmp_path):
    bench = Bench(fair, tmp_path, "realistic:reconstruct.overlap=1.1")
    request = ReconstructRequest(images=tuple(bench.frame("room3", i) for i in range(3)))
    answer = bench.ask("reconstruct", request)
    assert len(answer.views) == 1
    assert len(answer.missing) == 2


def test_the_tree_joins_the_largest_group_by_its_strongest_joints():
    shares = np.eye(5)
    for i, j, share in ((0, 1, 0.5), (1, 2, 0.9), (0, 2, 0.3), (3, 4, 0.8)):
        shares[i, j] = shares[j, i] = share
    tree = spanning_tree(shares, 0.2)
    assert {index for index, _ in tree} == {0, 1, 2}
    assert {frozenset(edge) for edge in tree[1:]} == {frozenset((0, 1)), frozenset((1, 2))}
    assert len(spanning_tree(shares, 0.85)) == 2


def test_rotations_are_rotations():
    turn = rotation(np.array([0.1, -0.4, 0.3]))
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.arccos((np.trace(turn) - 1) / 2) == pytest.approx(np.sqrt(0.26))
    assert np.allclose(rotation(np.zeros(3)), np.eye(3))


def test_the_outline_of_a_box_seen_face_on():
    thing = OBJECTS[0].model_copy(
        update={"box": OBJECTS[0].box.upright((0, 4, 0), (1, 0.001, 2), 0)}
    )
    camera = _camera(0)
    pose = Pose.look_at(np.array([0.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    camera = camera.model_copy(update={"T_world_camera": tuple(map(tuple, pose.tolist()))})
    expected = 2 * (camera.intrinsics.fx / 4) ** 2
    assert projected_area(camera, thing) == pytest.approx(expected, rel=1e-3)
    behind = thing.model_copy(update={"box": thing.box.upright((0, -4, 0), (1, 1, 1), 0)})
    assert projected_area(camera, behind) == 0


def test_knobs_turn_one_number_and_say_what_they_cannot():
    turned = preset("realistic:detect.jitter=0.1,depth.holes=0")
    assert turned.detect == dataclasses.replace(REALISTIC.detect, jitter=0.1)
    assert turned.depth.holes is False
    assert turned.name == "realistic:detect.jitter=0.1,depth.holes=0"
    assert preset("realistic:detect.recall.base=9").detect.recall.base == 9
    assert preset("perfect").detect == DetectErrors()
    for wrong in (
        "realistic:nose=1",
        "perfect:detect.recall.base=1",
        "realistic:detect=1",
        "realistic:detect.jitter=much",
    ):
        with pytest.raises(UserError, match="knob"):
            preset(wrong)


def test_probability_never_overflows():
    assert probability(1e9) == pytest.approx(1)
    assert probability(-1e9) == pytest.approx(0)
    assert probability(0) == 0.5


def test_a_derived_image_is_measured_against_its_original(dark, tmp_path):
    """The same pixels sent as a 'restored' frame can not be worth more than the frame."""
    bench = Bench(dark, tmp_path)
    original = bench.frame()
    bright = textured(0)
    reference = bench.blobs.own.put(
        bright, "image/png", derivation=Derivation(parent=original.sha256, op="restore")
    )
    derived = ImageByHash(sha256=reference.sha256)
    expert = bench.expert("detect")
    raw, lifted = (
        expert.preprocess(DetectRequest(image=one, phrases=PHRASES), bench.images).sight
        for one in (original, derived)
    )
    model = REALISTIC.detect.recall
    true = lifted.now.things[1].logit(model)
    assert raw.logit(1, model) < lifted.logit(1, model) < true
