"""The protocol that every expert adapter implements, whatever stands behind it.

One request passes four stations; each runs where it blocks nobody:

====================  =======================  ===========================================
``load``              once, worker thread      read weights or an index; may take minutes
``preprocess``        thread pool              validate, decode, resize -> one batch item
``forward_batch``     one worker thread        the model: a batch in, one raw result each out
``postprocess``       thread pool              raw result -> the contract's answer
====================  =======================  ===========================================

Rules an adapter can rely on and must keep:

- Heavy libraries are imported inside ``load`` and later, never when the module is imported.
- ``forward_batch`` gets items for which ``group`` returned equal keys (shape and parameters) and
  at most ``max_batch`` of them. It is never called by two threads at once.
- A request that cannot be answered raises `surveyor.services.errors.ExpertError`; a mistake in
  ``load`` that the operator can mend (missing weights) raises `surveyor.core.errors.UserError` with
  one sentence. A `MemoryError`, or an exception whose type is named ``OutOfMemoryError`` (torch),
  halves the batch and, for a single item, becomes ``out_of_memory``. Any other exception in a batch
  makes the batcher ask again one by one, so that only the culprit fails.
- Answers are normalised: boxes in pixels of the image sent, metres, degrees on the wire, OpenCV
  camera-to-world poses, confidences in 0..1, masks as COCO RLE (`surveyor.core.masks`), dense
  arrays through the `ArtifactWriter`.

A complete adapter::

    class MeanDepth:
        name = "depth"
        max_batch = 8

        def load(self, settings): self._metres = 2.0
        def info(self): return Info(expert="depth", producer=..., model="mean", ...)
        def probe(self): return DepthRequest(image=inline(np.zeros((8, 8, 3), np.uint8)))
        def preprocess(self, request, images): return images(request.image).pixels
        def group(self, item): return item.shape
        def forward_batch(self, batch): return [np.full(p.shape[:2], self._metres) for p in batch]
        def postprocess(self, request, item, raw, artifacts): return DepthAnswer(...)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, TypeVar

from pydantic import BaseModel

from surveyor.services.artifacts import ArtifactWriter
from surveyor.services.contract import ExpertAnswer, Info
from surveyor.services.images import Images, LoadedImage, inline
from surveyor.services.settings import Settings

RequestT = TypeVar("RequestT", bound=BaseModel)
ItemT = TypeVar("ItemT")
RawT = TypeVar("RawT")
AnswerT_co = TypeVar("AnswerT_co", bound=ExpertAnswer, covariant=True)


class Expert(Protocol[RequestT, ItemT, RawT, AnswerT_co]):
    """One expert behind one implementation; see the module's text for the rules."""

    name: str
    max_batch: int

    def load(self, settings: Settings) -> None:
        """Make ready to answer; called once, before anything else."""
        ...

    def info(self) -> Info:
        """Model, revision, licence, limits, device; valid after ``load``."""
        ...

    def probe(self) -> RequestT:
        """A request that this expert must be able to answer: asked once before it is ready."""
        ...

    def preprocess(self, request: RequestT, images: Images) -> ItemT:
        """Everything that one request needs before the model, on the CPU."""
        ...

    def group(self, item: ItemT) -> Hashable:
        """Items with equal keys may share a batch."""
        ...

    def forward_batch(self, batch: Sequence[ItemT]) -> Sequence[RawT]:
        """One raw result for each item, in order."""
        ...

    def postprocess(
        self, request: RequestT, item: ItemT, raw: RawT, artifacts: ArtifactWriter
    ) -> AnswerT_co:
        """The contract's answer."""
        ...


AnyExpert = Expert[BaseModel, object, object, ExpertAnswer]
Maker = Callable[[], AnyExpert]

__all__ = [
    "AnyExpert",
    "ArtifactWriter",
    "Expert",
    "Images",
    "LoadedImage",
    "Maker",
    "Settings",
    "inline",
]
