"""Which frames of a video a task shows: a rule that is recorded and can be applied again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from surveyor.core.errors import UserError
from surveyor.core.videos import evenly

Kind = Literal["all", "uniform", "uniform-tail", "centre", "fps", "list"]


class FrameRule(BaseModel):
    """A choice of frames by their positions in the video, counted from 0.

    ``uniform``
        ``n`` positions from the first frame to the last, rounded down (lmms-eval, VLMEvalKit).
    ``uniform-tail``
        The same; the last frame is added where rounding missed it (EASI's default).
    ``centre``
        The middles of ``n`` equal parts.
    ``fps``
        ``rate`` frames a second, from the first. Where a video's own rate varies: the frames
        nearest these moments.
    ``list``
        ``positions``, or those of ``scenes`` for a scene that is named there.

    A video that has fewer frames than asked for gives each of them once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = "all"
    n: int | None = Field(default=None, ge=1)
    rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    positions: tuple[int, ...] = ()
    scenes: Mapping[str, tuple[int, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> FrameRule:
        counted = self.kind in ("uniform", "uniform-tail", "centre")
        listed = bool(self.positions or self.scenes)
        given = (self.n is not None, self.rate is not None, listed)
        if given != (counted, self.kind == "fps", self.kind == "list"):
            raise ValueError(f"rule {self.kind!r} has the wrong parameters")
        return self

    @classmethod
    def parse(cls, text: str) -> FrameRule:
        """``all``, ``uniform:32``, ``uniform-tail:32``, ``centre:8``, ``fps:1``, ``list:0,8,16``.

        Raises `UserError` on anything else.
        """
        kind, _, value = text.partition(":")
        try:
            match kind:
                case "fps":
                    return cls(kind="fps", rate=float(value))
                case "list":
                    return cls(kind="list", positions=tuple(map(int, value.split(","))))
                case "uniform" | "uniform-tail" | "centre":
                    return cls(kind=kind, n=int(value))
                case "all" if not value:
                    return cls()
        except ValueError:
            pass
        raise UserError(
            f"{text!r} is no frame rule; write all, uniform:N, uniform-tail:N, centre:N, fps:R "
            "or list:0,8,16"
        )

    def __str__(self) -> str:
        """The short form, as tasks record it."""
        if self.kind == "list":
            listed = ",".join(map(str, self.positions)) or "by scene"
            return f"list:{listed}"
        value = self.n if self.n is not None else self.rate
        return self.kind if value is None else f"{self.kind}:{value:g}"

    def pick(
        self, scene_id: str, total: int, fps: float | None, times: Sequence[float] | None = None
    ) -> tuple[int, ...]:
        """Positions to show of a video of ``total`` frames at ``fps``, in ascending order.

        ``times`` are the frames' seconds where they do not follow from ``fps``: a rate then gives
        the frame nearest each moment.

        Raises `UserError` for a position that the video does not have, and for a rate where the
        video's own is unknown.
        """
        if self.rate is not None and times:
            return _nearest(times, self.rate)
        return tuple(sorted({int(k) for k in self._positions(scene_id, total, fps)}))

    def _positions(self, scene_id: str, total: int, fps: float | None) -> list[int]:
        last = total - 1
        if self.kind == "list":
            return self._listed(scene_id, total)
        if self.kind == "fps" and self.rate is not None:
            if total == 1:
                return [0]
            if not fps:
                raise UserError(
                    f"the frames of {scene_id} have no frame rate; write it into fps.txt beside "
                    "them or choose another frame rule"
                )
            step = fps / self.rate
            number = max(1, int(total / fps * self.rate))
            return [min(last, int(k * step)) for k in range(number)]
        if self.n is None or self.n >= total:
            return list(range(total))
        if self.kind == "centre":
            return [int((k + 0.5) * total / self.n) for k in range(self.n)]
        even = evenly(total, self.n)
        return [*even, last] if self.kind == "uniform-tail" else list(even)

    def _listed(self, scene_id: str, total: int) -> list[int]:
        wanted = self.scenes.get(scene_id, self.positions)
        if not wanted:
            raise UserError(f"the frame rule lists no frames for {scene_id}; add them")
        absent = [k for k in wanted if not 0 <= k < total]
        if absent:
            raise UserError(f"{scene_id} has {total} frames, so there is no frame {absent[0]}")
        return list(wanted)


def _nearest(times: Sequence[float], rate: float) -> tuple[int, ...]:
    """The frame nearest each moment of ``rate`` a second, up to the last frame's; each once."""
    moments = np.arange(int(times[-1] * rate + 1e-9) + 1) / rate
    seconds = np.asarray(times)
    after = np.searchsorted(seconds, moments).clip(1, len(seconds) - 1)
    closer = moments - seconds[after - 1] <= seconds[after] - moments
    return tuple(sorted({int(k) for k in np.where(closer, after - 1, after)}))
