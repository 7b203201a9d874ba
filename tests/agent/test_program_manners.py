"""Questions in the manner of CV-Bench 3D, BLINK, MMSI and of actions, as programs."""

from __future__ import annotations

import pytest

from surveyor.agent.program.language import categories
from surveyor.agent.program.parser import parse
from surveyor.agent.program.reading import read_program

REGION = "the sleeping area (the floor within 1 m of the bed)"


@pytest.mark.parametrize(
    ("question", "program"),
    [
        (
            "Which object is closer to the camera taking this photo, the chair (highlighted by a "
            "red box) or the bed (highlighted by a blue box)?",
            "closer_to_camera([mark(red box, chair), mark(blue box, bed)])",
        ),
        (
            "Estimate the real-world distances between objects in this image. Which object is "
            "closer to the lamp (highlighted by a red box), the chair (highlighted by a blue box) "
            "or the bed (highlighted by a green box)?",
            "nearest_mark(mark(red box, lamp), [mark(blue box, chair), mark(green box, bed)])",
        ),
        (
            "Two points are circled on the image, labeled by A and B beside each circle. Which "
            "point is closer to the camera?",
            "closer_to_camera([mark(point A, A is closer), mark(point B, B is closer)])",
        ),
        (
            "The first image is from the beginning of the video and the second image is from the "
            "end. Is the camera moving left or right when shooting the video?",
            "camera_motion_around()",
        ),
        (
            "The first image was taken before the second. Seen from where the first image was "
            "taken, and facing as its camera did, in which direction had the camera moved when "
            "the second was taken?",
            "direction(camera(0), ahead(), camera(1), hard)",
        ),
        (
            "You are at the place where the first image was taken, facing as its camera did. The "
            "table lamp can be seen in the second image. In which direction from you is it?",
            "direction(camera(0), ahead(), surest(filter(scene(), table lamp)), hard)",
        ),
        (
            "You are at the place where the first image was taken, facing as its camera did. The "
            f"second image shows {REGION}. In which direction from you is the middle of that area?",
            "direction(camera(0), ahead(), middle(sleeping area, surest(filter(scene(), bed)), 1), "
            "hard)",
        ),
        (
            "Suppose that the bed lies to the north of the sofa, seen from above. In which "
            "direction from the sofa is the door?",
            "direction(surest(filter(scene(), sofa)), surest(filter(scene(), bed)), "
            "surest(filter(scene(), door)), compass)",
        ),
        (
            "You stand in the middle of the larger arm of this L-shaped room and face the bed. In "
            "which direction from you is the sofa?",
            "direction(part(larger arm, larger), surest(filter(scene(), bed)), "
            "surest(filter(scene(), sofa)), hard)",
        ),
        (
            "You stand in the middle of the smaller room and face the bed. In which direction "
            "from you is the sofa?",
            "direction(part(smaller room, smaller), surest(filter(scene(), bed)), "
            "surest(filter(scene(), sofa)), hard)",
        ),
        (
            f"Suppose that the middle of {REGION} lies to the north of the middle of the smaller "
            "arm of this L-shaped room, seen from above. In which direction from the middle of "
            f"the smaller arm is the middle of {REGION}?",
            "direction(part(smaller arm, smaller), "
            "middle(sleeping area, surest(filter(scene(), bed)), 1), "
            "middle(sleeping area, surest(filter(scene(), bed)), 1), compass)",
        ),
        (
            "Where does used paper get thrown away? Give its mask.",
            "union(filter(scene(), trash bin), filter(scene(), trash can), "
            "filter(scene(), bucket))",
        ),
        (
            "Find an object belonging to the category 'chair' and place a virtual anchor at the "
            "center of that object. Reply with only the final JSON action.",
            "place_anchor(filter(scene(), chair))",
        ),
    ],
)
def test_every_manner_becomes_a_program(question: str, program: str) -> None:
    assert str(parse(question)) == program
    assert read_program(program) == parse(question), "and its text is read back"


def test_regions_are_looked_for_by_what_they_lie_around() -> None:
    program = parse(
        f"You stand in the middle of {REGION} and face the sofa. In which direction "
        "from you is the door?"
    )
    assert program is not None
    assert categories(program) == ("bed", "sofa", "door")


def test_a_purpose_that_nobody_knows_is_no_question_that_can_be_read() -> None:
    assert parse("What would a cat prefer? Give its mask.") is None
    assert parse("Where could someone lie down to sleep at night?") is None
