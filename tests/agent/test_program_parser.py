from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.agent.program.answer_forms import form, guess
from surveyor.agent.program.language import categories
from surveyor.agent.program.parser import parse
from surveyor.core.tasks import AnswerKind
from tests.agent.test_program import CHAIRS, FLOOR, NEAREST, ORDER, SOFA_LAMP, TABLE_EDGE, TURN

MEDIUM = (
    "If I am standing by the trash bin and facing the tv, is the ceiling light to my left, right, "
    "or back?\nAn object is to my back if I would have to turn at least 135 degrees in order to "
    "face it."
)
HARD = (
    "If I am standing by the stove and facing the sofa, is the tv to my front-left, front-right, "
    "back-left, or back-right?\nThe directions refer to the quadrants of a Cartesian plane (if I "
    "am standing at the origin and facing along the positive y-axis)."
)
ROUTE = (
    "You are a robot beginning at the lamp facing the table. You want to navigate to the "
    "chair. You will perform the following actions (Note: for each [please fill in], choose "
    "either 'turn back,' 'turn left,' or 'turn right.'): 1. Go forward until the table 2. "
    "[please fill in] 3. Go forward until the sofa 4. [please fill in] 5. Go forward until "
    "the chair. You have reached the final destination."
)


@pytest.mark.parametrize(
    ("question", "program"),
    [
        (CHAIRS, "count(filter(scene(), chair))"),
        (SOFA_LAMP, "distance(surest(filter(scene(), sofa)), surest(filter(scene(), lamp)))"),
        (TABLE_EDGE, "longest_edge(surest(filter(scene(), table)))"),
        (FLOOR, "floor_area(scene())"),
        (
            NEAREST,
            "nearest(surest(filter(scene(), table)), [filter(scene(), chair), "
            "filter(scene(), sofa), filter(scene(), lamp)])",
        ),
        (
            TURN,
            "direction(surest(filter(scene(), lamp)), surest(filter(scene(), table)), "
            "surest(filter(scene(), sofa)), easy)",
        ),
        (
            MEDIUM,
            "direction(surest(filter(scene(), trash bin)), surest(filter(scene(), tv)), "
            "surest(filter(scene(), ceiling light)), medium)",
        ),
        (
            HARD,
            "direction(surest(filter(scene(), stove)), surest(filter(scene(), sofa)), "
            "surest(filter(scene(), tv)), hard)",
        ),
        (
            ORDER,
            "order_by_first_sight([filter(scene(), sofa), filter(scene(), lamp), "
            "filter(scene(), table)])",
        ),
        (
            ROUTE,
            "turns(surest(filter(scene(), lamp)), surest(filter(scene(), table)), "
            "[surest(filter(scene(), table)), surest(filter(scene(), sofa)), "
            "surest(filter(scene(), chair))], [1, 2])",
        ),
    ],
)
def test_templates_become_programs(question: str, program: str) -> None:
    assert str(parse(question)) == program
    wrapped = f"These are frames of a video.\n{question}\nAnswer with a single word."
    assert str(parse(wrapped)) == program


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    parse(text)


@given(st.text(alphabet="abcdefgh- ", min_size=1, max_size=20).filter(str.strip))
def test_any_category_name_survives(name: str) -> None:
    program = parse(f"How many {name}(s) are in this room?")
    assert program is not None
    assert categories(program) == (" ".join(name.split()),)


def test_answers_take_the_benchmarks_form() -> None:
    count, size, floor = parse(CHAIRS), parse(TABLE_EDGE), parse(FLOOR)
    distance, nearest, turn, order = (parse(q) for q in (SOFA_LAMP, NEAREST, TURN, ORDER))
    assert count is not None
    assert size is not None
    assert floor is not None
    assert distance is not None
    assert order is not None
    assert nearest is not None
    assert turn is not None
    assert form(count, 2.0, ()) == "2"
    assert form(size, 1.204, ()) == "120"
    assert form(floor, 20.04, ()) == "20.0"
    assert form(distance, 1.26, ()) == "1.3"
    assert form(turn, "left", ("A. right", "B. left")) == "B"
    assert form(turn, "left", ("A. up", "B. down")) is None
    assert form(nearest, ("bed", "lamp"), ("A. lamp", "B. sofa")) == "A", "the nearest on offer"
    options = ("A. lamp, sofa, table", "B. table, sofa, lamp", "C. sofa, lamp, table")
    assert form(order, ("sofa", "lamp", "table"), options) == "C"
    assert form(order, ("table", "lamp", "sofa"), options) == "B", "fewest pairs swapped"
    assert form(distance, 1.26, ("A. 0.4", "B. 1.4", "C. 3")) == "B"
    route = parse(ROUTE)
    assert route is not None
    options = ("A. Turn Left, Turn Back", "B. Turn Right, Turn Left", "C. Turn Back, Turn Left")
    assert form(route, ("turn right", "turn left"), options) == "B"
    assert form(route, ("turn right", "turn back"), options) in "AB", "as near as there is"


@pytest.mark.parametrize("question", [CHAIRS, SOFA_LAMP, TABLE_EDGE, FLOOR])
def test_a_guess_is_a_number_where_one_is_wanted(question: str) -> None:
    assert float(guess(parse(question), ())) > 0


@pytest.mark.parametrize(
    ("kind", "said"),
    [(AnswerKind.TEXT, "unknown"), (AnswerKind.BOXES, "none"), (AnswerKind.MASK, "none")],
)
def test_what_no_template_fits_is_said_to_be_unknown_and_never_left_empty(
    kind: AnswerKind, said: str
) -> None:
    assert guess(None, (), kind) == said
    assert guess(None, ("A. left", "B. right"), kind) == "A"
