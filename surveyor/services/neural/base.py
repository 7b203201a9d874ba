"""What all neural adapters share: choosing a model, loading it, and saying what it is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.producer import Producer
from surveyor.services.contract import Box, ErrorCode, ImageInline, Info
from surveyor.services.errors import ExpertError
from surveyor.services.images import LoadedImage, Pixels, inline
from surveyor.services.neural.model_cards import ModelCard, choose_card, own_card
from surveyor.services.neural.runtime import Runtime, quiet_libraries, require
from surveyor.services.neural.weights import Weights, find_weights
from surveyor.services.settings import Settings

VERSION = "1"


class NeuralExpert:
    """Base of the neural adapters; a subclass opens its model and adds the stations.

    Options that all understand: ``route`` (which of the expert's models), ``dtype``, and
    ``licence``, which an operator states for weights of their own.
    """

    name: ClassVar[str] = ""
    backend: ClassVar[str] = "neural"
    max_batch = 8

    settings: Settings
    route: str
    card: ModelCard
    weights: Weights
    runtime: Runtime

    def load(self, settings: Settings) -> None:
        """Find the weights first: what is missing can be said before a heavy import."""
        self.settings = settings
        self.route, self.card = choose_card(
            self.name, settings.options.get("route"), settings.model
        )
        with quiet_libraries(), self.located(settings) as self.weights:
            require(self.name, self.card.modules, self.settings.options.get("route"))
            self.runtime = Runtime.of(settings)
            self.open()

    @contextmanager
    def located(self, settings: Settings) -> Iterator[Weights]:
        """The weights, readable while the context is open."""
        weights = find_weights(self.name, self.card, settings.weights, settings.revision)
        if weights.own:
            self.card = own_card(self.card, weights.name, settings.options.get("licence", ""))
        yield weights

    def number(self, option: str, default: int, low: int, high: int) -> int:
        """An option that is a whole number; `UserError` when it is not."""
        text = self.settings.options.get(option, str(default))
        if not text.isdecimal() or not low <= int(text) <= high:
            raise UserError(f"option {option} is a number from {low} to {high}, not {text!r}")
        return int(text)

    def open(self) -> None:
        """Build the model on the device from ``self.weights``; a subclass must do this."""
        raise NotImplementedError

    def bare(self, batch: Sequence[Any]) -> Callable[[], object]:
        """The model alone on this batch, its inputs already on the device: what `forward_batch`
        is measured against."""
        raise NotImplementedError

    def limits(self) -> dict[str, float]:
        """Further limits to tell in ``/v1/info``."""
        return {}

    def info(self) -> Info:
        """Model, commit, licence, device."""
        return Info(
            expert=self.name,
            producer=self.producer,
            model=self.card.model,
            revision=self.weights.revision,
            licence=self.card.licence,
            limits={"max_batch": self.max_batch, **self.limits()},
            note=self.note,
        )

    @property
    def note(self) -> str:
        """What a client should know beyond the numbers."""
        return self.card.note

    @property
    def producer(self) -> Producer:
        """Answers are cached by this: same weights, same format, same answer."""
        return Producer(
            name=self.name,
            version=f"{VERSION}-{self.route}-{self.runtime.format}",
            weights=self.identity(),
            backend=self.backend,
            device=str(self.runtime.device),
        )

    def identity(self) -> str:
        """The weights by their digest; of the operator's own also the file's name and hash."""
        weights = self.weights
        return (
            f"{weights.digest} {weights.name} {weights.revision}" if weights.own else weights.digest
        )

    def group(self, item: object) -> Hashable:
        """Items of one shape may be stacked; a subclass with parameters adds them."""
        return getattr(item, "key", None)


def probe_image(width: int = 96, height: int = 64) -> ImageInline:
    """A smooth picture for the first inference."""
    rows, columns = np.mgrid[:height, :width]
    red, green = columns * 255 // width, rows * 255 // height
    pixels = np.stack([red, green, 255 - red], axis=-1).astype(np.uint8)
    return inline(pixels)


def cut(image: LoadedImage, box: Box, field: str) -> tuple[Pixels, tuple[int, int]]:
    """The pixels of a box and its top left corner; every pixel that it touches is in.

    `ExpertError` when the box has no area within the image.
    """
    left, top = max(int(np.floor(box[0] + 0.5)), 0), max(int(np.floor(box[1] + 0.5)), 0)
    right = min(int(np.ceil(box[2] + 0.5)), image.width)
    bottom = min(int(np.ceil(box[3] + 0.5)), image.height)
    if right <= left or bottom <= top or box[2] <= box[0] or box[3] <= box[1]:
        message = (
            f"the box {box} has no area inside the {image.width} x {image.height} image; "
            "boxes are (x1, y1, x2, y2) in its pixels"
        )
        raise ExpertError(ErrorCode.BAD_INPUT, message, field=field)
    return image.pixels[top:bottom, left:right], (left, top)
