"""The `replay` backend: recorded answers served over the same wire, without any expert."""

from __future__ import annotations

import io
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from surveyor.core.errors import UserError
from surveyor.services.artifacts import NPY, TensorWriter
from surveyor.services.contract import ErrorCode, ExpertAnswer, Info
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images, Settings
from surveyor.services.recording import Recording, references, request_key


class ReplayExpert:
    """Answers what was recorded and refuses the rest; needs no image, only its hash."""

    max_batch = 1

    def __init__(self, name: str) -> None:
        self.name = name

    def load(self, settings: Settings) -> None:
        where = settings.options.get("recording")
        if where is None:
            raise UserError("the replay backend needs the option `recording`: a folder")
        self._recording = Recording(Path(where), self.name)

    def info(self) -> Info:
        told = self._recording.info
        note = f"Replays {len(self._recording)} recorded answers. {told.note}".strip()
        return told.model_copy(update={"note": note})

    def probe(self) -> BaseModel:
        return self._recording.first_request()

    def preprocess(self, request: BaseModel, images: Images) -> ExpertAnswer:
        answer = self._recording.answer(request_key(self.name, request))
        if answer is None:
            message = "this request is not in the recording; record it with the expert itself"
            raise ExpertError(ErrorCode.NOT_FOUND, message)
        return answer

    def group(self, item: ExpertAnswer) -> Hashable:
        return None

    def forward_batch(self, batch: Sequence[ExpertAnswer]) -> Sequence[ExpertAnswer]:
        return batch

    def postprocess(
        self, request: BaseModel, item: ExpertAnswer, raw: ExpertAnswer, artifacts: ArtifactWriter
    ) -> ExpertAnswer:
        if isinstance(artifacts, TensorWriter):
            for reference in references(raw):
                if reference.media_type == NPY:
                    data = self._recording.blobs.get(reference.sha256)
                    artifacts.array(np.load(io.BytesIO(data), allow_pickle=False))
        return raw
