"""Places in images, between a model's convention and pixels.

Tools take pixels of the image that a handle names, and nothing else. A tool says in its schema
which arguments are places: a property with ``"pixels_of": "frame"`` holds x, y, x, y, ... (or lists
of such) in the image that the argument ``frame`` names. Models that count in thousandths, and
models that were sent a smaller image, are translated here, and are told so: the schemas that they
read say what they are to give, and nothing of the mark itself, which some providers refuse.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from surveyor.agent.chat.capabilities import Capabilities, Coordinates
from surveyor.agent.chat.images import sent_size
from surveyor.agent.chat.messages import Picture
from surveyor.tools.spec import CallRequest

PIXELS_OF = "pixels_of"
_TOLD = {
    Coordinates.PIXELS: "in pixels of the image as you see it",
    Coordinates.THOUSANDTHS: "each from 0 to 1000 of the image's width or height",
}


class Places:
    """Knows the images shown so far and translates calls.

    ``told`` are the tools' schemas as the model reads them.
    """

    def __init__(self, tools: Iterable[dict[str, Any]], capabilities: Capabilities) -> None:
        tools = tuple(tools)
        self.told = tuple(_told(tool, _TOLD[capabilities.coordinates]) for tool in tools)
        self._can = capabilities
        self._factors: dict[str, tuple[float, float]] = {}
        self._fields: dict[str, dict[str, str]] = {}
        for tool in tools:
            function = tool["function"]
            properties = function.get("parameters", {}).get("properties", {})
            places = {n: p[PIXELS_OF] for n, p in properties.items() if PIXELS_OF in p}
            if places:
                self._fields[function["name"]] = places

    def saw(self, pictures: Iterable[Picture]) -> None:
        """Remember how an image's places translate: factors to pixels of x and of y."""
        if not self._fields:
            return
        for picture in pictures:
            width, height = picture.ref.width, picture.ref.height
            if not width or not height:
                continue
            base: tuple[float, float] = (1000.0, 1000.0)
            if self._can.coordinates is Coordinates.PIXELS:
                base = sent_size(picture.ref, self._can.max_pixels)
            self._factors[picture.handle] = (width / base[0], height / base[1])

    def to_pixels(self, call: CallRequest) -> CallRequest:
        """``call`` with its places in pixels; anything that isn't a place is left as it is."""
        places = self._fields.get(call.name)
        if places is None:
            return call
        try:
            arguments = orjson.loads(call.raw_arguments)
        except orjson.JSONDecodeError:
            return call
        if not isinstance(arguments, dict):
            return call
        changed = False
        for field, image in places.items():
            handle = arguments.get(image)
            factors = (
                self._factors.get(handle, (1.0, 1.0)) if isinstance(handle, str) else (1.0, 1.0)
            )
            if field in arguments and factors != (1.0, 1.0):
                arguments[field] = _scaled(arguments[field], factors)
                changed = True
        if not changed:
            return call
        return CallRequest(call.call_id, call.name, orjson.dumps(arguments).decode())


def _told(tool: dict[str, Any], convention: str) -> dict[str, Any]:
    """A copy of ``tool`` whose places are described in the model's own convention."""
    function = tool["function"]
    parameters = function.get("parameters", {})
    fields = parameters.get("properties", {})
    if not any(PIXELS_OF in field for field in fields.values()):
        return tool
    told = {name: _place(field, convention) for name, field in fields.items()}
    return {**tool, "function": {**function, "parameters": {**parameters, "properties": told}}}


def _place(field: dict[str, Any], convention: str) -> dict[str, Any]:
    if PIXELS_OF not in field:
        return field
    what = str(field.get("description", "a place")).partition(" in pixels")[0]
    kept = {key: value for key, value in field.items() if key != PIXELS_OF}
    return {**kept, "description": f"{what}, {convention}"}


def _scaled(value: Any, factors: tuple[float, float]) -> Any:
    if not isinstance(value, list):
        return value
    if any(isinstance(item, list) for item in value):
        return [_scaled(item, factors) for item in value]
    return [
        round(item * factors[i % 2], 2) if type(item) in (int, float) else item
        for i, item in enumerate(value)
    ]
