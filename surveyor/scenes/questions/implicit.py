"""Implicit queries with a mask for an answer, and room-planning actions.

A query names a purpose, not an object; it is asked only where exactly one category of the room
serves it. Actions place a virtual anchor at an object's centre, in the record format of
RoomPlan's ARKit rows; every admissible target is listed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
from pydantic import JsonValue

from surveyor.core.anchor_actions import AnchorAction
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import Draft

PURPOSES: dict[str, frozenset[str]] = {
    "Where could someone lie down to sleep at night?": frozenset({"bed"}),
    "Which object tells the time?": frozenset({"clock"}),
    "What would you look into to check your own face?": frozenset({"mirror"}),
    "Where does used paper get thrown away?": frozenset({"trash bin", "trash can", "bucket"}),
    "What keeps food cold?": frozenset({"refrigerator"}),
    "Which object would you open to leave the room?": frozenset({"door"}),
    "What lets daylight in?": frozenset({"window"}),
    "What would you use to warm up leftovers in a minute?": frozenset({"microwave"}),
    "Which object could two people sit on side by side, leaning back?": frozenset({"sofa"}),
    "Where are novels and textbooks kept upright?": frozenset({"bookshelf", "shelf"}),
    "What gives off heat when the weather is cold?": frozenset({"radiator", "fireplace", "heater"}),
    "What would you write on with a marker in front of a group?": frozenset({"whiteboard"}),
    "Which living thing needs watering?": frozenset({"plant"}),
    "What would you carry clothes in on a journey?": frozenset({"suitcase", "backpack", "basket"}),
    "Which object would you play music on?": frozenset({"piano", "guitar"}),
    "What moves the air on a hot day?": frozenset({"fan"}),
    "What cleans dirty clothes?": frozenset({"washing machine", "washer"}),
    "What is typed on?": frozenset({"keyboard", "laptop"}),
    "What would you pick up to call somebody?": frozenset({"telephone"}),
    "Where would you take a bath?": frozenset({"bathtub"}),
    "What produces copies on paper?": frozenset({"printer"}),
    "What would you ride to work?": frozenset({"bicycle"}),
}
SEGMENT = "{query} Give its mask."
PLACE = (
    "Find an object belonging to the category '{name}' and place a virtual anchor at the center of "
    "that object. Reply with only the final JSON action, with the keys action, scene, center, "
    "normal and extent."
)


def reason_seg(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Purposes that exactly one category serves; all of its instances are the answer."""
    here = {item.category for item in scene.truth.objects}
    queries = list(PURPOSES)
    for k in rng.permutation(len(queries)):
        serving = PURPOSES[queries[k]] & here
        if len(serving) != 1 or not serving <= scene.categories.keys():
            continue
        (name,) = serving
        indices = scene.categories[name]
        ids: list[JsonValue] = [scene.truth.objects[i].instance_id for i in indices]
        yield Draft(
            question_type="reason_seg",
            question=SEGMENT.format(query=queries[k]),
            correct=", ".join(map(str, ids)),
            kind=AnswerKind.MASK,
            objects=indices,
            program=f"mask(filter(scene(), {name!r}))",
            operands=scene.operands({name: indices}),
            payload={"object_ids": ids, "object_name": name},
        )


def roomplan_action(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Place an anchor on any one object of a category."""
    names = list(scene.categories)
    for k in rng.permutation(len(names)):
        indices = scene.categories[names[k]]
        actions = [anchor_at(scene, index) for index in indices]
        listed: list[JsonValue] = list(actions)
        yield Draft(
            question_type="roomplan_action",
            question=PLACE.format(name=names[k]),
            correct=json.dumps(actions[0]),
            kind=AnswerKind.ACTION,
            objects=indices,
            program=f"place_anchor(center(any(filter(scene(), {names[k]!r}))))",
            operands=scene.operands({names[k]: indices}),
            payload={"admissible": listed, "object_name": names[k]},
        )


def anchor_at(scene: AskableScene, index: int) -> dict[str, JsonValue]:
    """The action that places an anchor at object ``index``, facing along its front or up."""
    item = scene.truth.objects[index]
    normal = item.front or item.box.axes[2]
    action = AnchorAction(scene.truth.scene_id, item.box.center, normal, item.box.size)
    return action.record()
