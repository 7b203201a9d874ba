"""Reference `scene`: the object table of a known scene, by id or by one of its frames."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.scenes.records import SceneTruth
from surveyor.services.contract import SceneAnswer, SceneEntry, SceneRequest
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.reference.base import ReferenceExpert
from surveyor.services.reference.table_errors import estimated_table


class ReferenceScene(ReferenceExpert):
    """Boxes, fronts, attributes and floor with the errors of the preset; exact when perfect."""

    name = "scene"
    version = "2"  # 1 was exact under every preset

    def probe(self) -> SceneRequest:
        return SceneRequest(scene_id=self.world.first_scene())

    def preprocess(self, request: SceneRequest, images: Images) -> SceneTruth:
        if request.image is not None:
            return self.world.view(images(request.image), images).truth
        assert request.scene_id is not None
        return self.world.scene(request.scene_id)

    def forward_batch(self, batch: Sequence[SceneTruth]) -> Sequence[SceneTruth]:
        return [estimated_table(one, self.preset, self.settings.seed) for one in batch]

    def postprocess(
        self, request: SceneRequest, item: SceneTruth, raw: SceneTruth, artifacts: ArtifactWriter
    ) -> SceneAnswer:
        entries = tuple(
            SceneEntry(
                id=thing.instance_id,
                category=thing.category,
                box=thing.box,
                front=thing.front,
                attributes=thing.attributes,
            )
            for thing in raw.objects
        )
        return SceneAnswer(
            producer=self.producer,
            scene_id=raw.scene_id,
            objects=entries,
            rooms=raw.rooms,
            room_area=raw.room_area,
        )
