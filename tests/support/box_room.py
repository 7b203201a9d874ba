"""A room of boxes whose experts live in memory: exact depth, ids and boxes over the real wire.

The transport is the only seam: everything above it is the code that talks to real experts.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass, field

import httpx2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from surveyor.core.blobs import BlobRef, BlobStore, sha256_of
from surveyor.core.cameras import Frame
from surveyor.core.geometry import Float, Intrinsics, OrientedBox, Pose, Scale
from surveyor.core.masks import encode_rle, mask_box
from surveyor.core.producer import Producer
from surveyor.core.tasks import AnswerKind, Task
from surveyor.services.artifacts import npy_bytes
from surveyor.services.contract import (
    DepthAnswer,
    DepthRequest,
    DetectAnswer,
    Detection,
    DetectRequest,
    Endpoints,
    ExpertEndpoint,
    Info,
    Mask,
    ReconstructAnswer,
    ReconstructedView,
    ReconstructRequest,
    ScaleSource,
    SceneAnswer,
    SceneEntry,
    Segment,
    SegmentAnswer,
    SegmentRequest,
)

ROOM = (6.0, 5.0, 2.8)
CAMERA = Intrinsics.from_hfov(np.deg2rad(70), 128, 96)
THINGS: tuple[tuple[str, OrientedBox], ...] = (
    ("sofa", OrientedBox.upright((1.1, 0.6, 0.4), (1.8, 0.8, 0.8), 0.0)),
    ("chair", OrientedBox.upright((1.2, 3.4, 0.45), (0.5, 0.5, 0.9), 0.0)),
    ("chair", OrientedBox.upright((4.6, 3.9, 0.45), (0.5, 0.5, 0.9), 0.3)),
    ("table", OrientedBox.upright((3.0, 2.5, 0.35), (1.2, 0.7, 0.7), 0.0)),
    ("lamp", OrientedBox.upright((5.2, 1.0, 0.7), (0.4, 0.4, 1.4), 0.0)),
)


def poses_around(count: int) -> list[Pose]:
    """Cameras around the room's middle, looking across it."""
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return [
        Pose.look_at(
            np.array([3 + 2.6 * np.cos(a), 2.5 + 2.1 * np.sin(a), 1.6]),
            np.array([3 - 1.0 * np.cos(a), 2.5 - 1.0 * np.sin(a), 0.6]),
        )
        for a in turns
    ]


def render(pose: Pose) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """z-depth (H, W) and thing numbers (H, W), -1 for the shell, by slab intersection."""
    rays = CAMERA.rays() @ pose.T_world_camera[:3, :3].T
    rays = np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    origin = pose.position
    far = np.maximum(-origin / rays, (np.array(ROOM) - origin) / rays).min(-1)
    depth, number = far, np.full(far.shape, -1)
    for index, (_, box) in enumerate(THINGS):
        axes, half = np.array(box.axes), np.array(box.size) / 2
        start, along = axes @ (origin - np.array(box.center)), rays @ axes.T
        along = np.where(np.abs(along) < 1e-9, 1e-9, along)
        near_t, far_t = (-half - start) / along, (half - start) / along
        enter = np.minimum(near_t, far_t).max(-1)
        leave = np.maximum(near_t, far_t).min(-1)
        hit = (enter < leave) & (enter > 0) & (enter < depth)
        depth, number = np.where(hit, enter, depth), np.where(hit, index, number)
    return depth.astype(np.float32), number


@dataclass
class BoxRoom:
    """The place, its frames and its experts.

    ``unit`` is the length of a metre in reconstructions (1 = metric), ``drift`` how far (metres)
    each of its cameras is off, in a direction of its own. ``fails`` are status codes
    (and bodies) to answer first, one a request. ``misses`` drops a detection by (frame, thing).
    ``registers``: how many frames of a reconstruction can be joined (``None``: all).
    """

    store: BlobStore
    count: int = 12
    unit: float = 1.0
    drift: float = 0.0
    misses: frozenset[tuple[int, int]] = frozenset()
    registers: int | None = None
    fails: list[httpx2.Response] = field(default_factory=list)
    holds: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.poses = poses_around(self.count)
        self.views = [render(pose) for pose in self.poses]
        self.frames = tuple(self._frame(index) for index in range(self.count))
        self.by_hash = {frame.image.sha256: frame.index for frame in self.frames}
        self.arrays: dict[str, bytes] = {}

    def _frame(self, index: int) -> Frame:
        depth, number = self.views[index]
        grey = np.clip(40 + 25 * number + 10 * depth, 0, 255).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(grey).save(out, "PNG")
        ref = self.store.put(out.getvalue(), "image/png", width=CAMERA.width, height=CAMERA.height)
        return Frame(index=index, time=index / 2, image=ref)

    def task(self, question: str = "", options: tuple[str, ...] = (), frames: bool = True) -> Task:
        """A question about this room."""
        return Task(
            id="q1",
            dataset="boxes",
            scene_id="boxes",
            question_type="test",
            question=question,
            options=options,
            answer_kind=AnswerKind.CHOICE if options else AnswerKind.NUMBER,
            frames=self.frames if frames else (),
        )

    @property
    def endpoints(self) -> Endpoints:
        """Every expert, each at its own address."""
        names = ("scene", "detect", "segment", "depth", "reconstruct")
        return Endpoints(
            supervisor=0,
            experts=tuple(
                ExpertEndpoint(expert=n, url=f"http://{n}.test", pid=0, backend="boxes")
                for n in names
            ),
        )

    @property
    def transport(self) -> httpx2.MockTransport:
        """The wire."""
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        expert, path = request.url.host.partition(".")[0], request.url.path
        if path == "/v1/info":
            return self._info(expert)
        if path.startswith("/v1/blobs/"):
            return self._blob(request, path.rpartition("/")[2])
        self.asked[expert] += 1
        if self.fails:
            return self.fails.pop(0)
        body = json.loads(request.content)
        for sha256 in _images(body):
            if sha256 not in self.holds:
                return problem(404, "blob_not_found", f"unknown blob {sha256[:8]}")
            if sha256 not in self.by_hash:
                return problem(422, "bad_input", "these experts know captured frames only")
        answer = getattr(self, f"_{expert}")(body)
        return httpx2.Response(200, content=answer.model_dump_json())

    def _info(self, expert: str) -> httpx2.Response:
        info = Info(
            expert=expert, producer=_producer(expert), model="boxes", revision="1", licence="none"
        )
        return httpx2.Response(200, content=info.model_dump_json())

    def _blob(self, request: httpx2.Request, sha256: str) -> httpx2.Response:
        if request.method == "PUT":
            assert sha256_of(request.content) == sha256
            self.holds.add(sha256)
            return httpx2.Response(201)
        if request.method == "HEAD":
            return httpx2.Response(200 if sha256 in self.holds else 404)
        return httpx2.Response(200, content=self.arrays[sha256])

    def _array(self, array: NDArray[np.generic]) -> BlobRef:
        data = npy_bytes(array)
        self.arrays[sha256_of(data)] = data
        return BlobRef(sha256=sha256_of(data), media_type="application/x-npy", size=len(data))

    def _scene(self, body: object) -> SceneAnswer:
        entries = tuple(
            SceneEntry(id=index, category=category, box=box)
            for index, (category, box) in enumerate(THINGS)
        )
        return SceneAnswer(
            producer=_producer("scene"), scene_id="boxes", objects=entries, room_area=30.0
        )

    def _detect(self, body: object) -> DetectAnswer:
        request = DetectRequest.model_validate(body)
        index = self._index(request.image)
        found = []
        for thing, (category, _) in enumerate(THINGS):
            mask = self.views[index][1] == thing
            box = mask_box(mask)
            missed = (index, thing) in self.misses or mask.sum() < 20
            if category in request.phrases and box and not missed:
                found.append(Detection(phrase=category, box=box, score=0.9))
        return DetectAnswer(producer=_producer("detect"), detections=tuple(found))

    def _segment(self, body: object) -> SegmentAnswer:
        request = SegmentRequest.model_validate(body)
        number = self.views[self._index(request.image)][1]
        segments = [self._cut(number == t) for t in range(len(THINGS)) if self._named(request, t)]
        segments = [one for one in segments if one is not None]
        for prompt, asked in enumerate(request.boxes):
            boxes = {t: mask_box(number == t) for t in range(len(THINGS))}
            thing = min(
                (t for t in boxes if boxes[t]),
                key=lambda t: float(np.abs(np.array(boxes[t]) - np.array(asked)).sum()),
            )
            mask = number == thing
            size, counts = encode_rle(mask)
            segments.append(
                Segment(
                    mask=Mask(size=size, counts=counts),
                    box=mask_box(mask) or asked,
                    score=0.9,
                    prompt=prompt,
                )
            )
        return SegmentAnswer(producer=_producer("segment"), segments=tuple(segments))

    def _named(self, request: SegmentRequest, thing: int) -> bool:
        missed = (self._index(request.image), thing) in self.misses
        return request.text == THINGS[thing][0] and not missed

    def _cut(self, mask: NDArray[np.bool_]) -> Segment | None:
        box = mask_box(mask)
        if box is None or mask.sum() < 8:
            return None
        size, counts = encode_rle(mask)
        return Segment(mask=Mask(size=size, counts=counts), box=box, score=0.9)

    def _depth(self, body: object) -> DepthAnswer:
        depth = self.views[self._index(DepthRequest.model_validate(body).image)][0]
        return DepthAnswer(
            producer=_producer("depth"),
            depth=self._array(depth),
            scale=Scale.METRIC,
            scale_source=ScaleSource.ESTIMATED,
            intrinsics=CAMERA,
            minimum=float(depth.min()),
            maximum=float(depth.max()),
        )

    def _reconstruct(self, body: object) -> ReconstructAnswer:
        request = ReconstructRequest.model_validate(body)
        views, points = [], []
        joined = request.images[: self.registers]
        for position, image in enumerate(joined):
            index = self._index(image)
            depth = self.views[index][0] * np.float32(self.unit)
            T = self.poses[index].T_world_camera.copy()
            turn = 2.4 * index
            T[:3, 3] += self.drift * np.array([np.cos(turn), np.sin(turn), 0.3 * np.sin(3 * turn)])
            T[:3, 3] *= self.unit
            points.append(
                Pose(T).to_world((CAMERA.rays() * depth[..., None])[::3, ::3].reshape(-1, 3))
            )
            views.append(
                ReconstructedView(
                    index=position,
                    T_world_camera=tuple(map(tuple, T.tolist())),
                    intrinsics=CAMERA,
                    depth=self._array(depth),
                    confidence=self._array(np.ones_like(depth)),
                )
            )
        return ReconstructAnswer(
            producer=_producer("reconstruct"),
            scale=Scale.METRIC if self.unit == 1.0 else Scale.RELATIVE,
            gravity=True,
            views=tuple(views),
            cloud=self._array(np.concatenate(points).astype(np.float32)),
        )

    def _index(self, image: object) -> int:
        return self.by_hash[image.sha256]  # type: ignore[attr-defined]


def problem(status: int, code: str, message: str, **headers: str) -> httpx2.Response:
    """A refusal in the contract's form."""
    return httpx2.Response(status, json={"code": code, "message": message}, headers=headers)


def closest(a: Float, b: Float) -> float:
    """Brute-force distance between two point sets, for checking."""
    return float(np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1)).min())


def _producer(expert: str) -> Producer:
    return Producer(name=expert, version="1", weights="boxes")


def _images(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["sha256"]] if isinstance(value.get("sha256"), str) else []
        return own + [sha for item in value.values() for sha in _images(item)]
    if isinstance(value, list):
        return [sha for item in value for sha in _images(item)]
    return []
