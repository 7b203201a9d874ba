"""The event schema: logs of every version load for ever, and records cannot change by accident."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError

from surveyor.core.errors import UserError
from surveyor.memory.episodes import fold
from surveyor.memory.events import EVENT, SCHEMA_VERSION, Answer, EpisodeStatus, Event, Score
from surveyor.memory.log import read_events

GOLDEN = Path(__file__).parent / "golden"


def event_types() -> set[str]:
    schema = EVENT.json_schema()
    return set(schema["discriminator"]["mapping"])


def golden_lines() -> list[bytes]:
    names = (f"{kind}_v{SCHEMA_VERSION}.jsonl" for kind in ("episode", "results"))
    return [line for name in names for line in (GOLDEN / name).read_bytes().splitlines()]


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_the_log_of_every_version_loads(version: int) -> None:
    events = list(read_events(GOLDEN / f"episode_v{version}.jsonl"))
    assert {event.v for event in events} == {version}
    episode = fold(events)
    assert episode is not None
    assert episode.answer == "2.4"
    assert episode.given is not None
    assert episode.given.guess is (version >= 2)
    assert bool(episode.calls[0].notes) is (version >= 2)
    assert episode.status is EpisodeStatus.ANSWERED
    assert [call.call_id for call in episode.calls] == ["c1", "c2"]
    assert episode.outcomes[0].producers[0].weights == "sha256:ab12"
    (score,) = read_events(GOLDEN / f"results_v{version}.jsonl")
    assert isinstance(score, Score)
    assert score.value == 0.9


def test_the_golden_log_of_this_version_has_every_kind_of_event() -> None:
    assert {orjson.loads(line)["type"] for line in golden_lines()} == event_types()


def test_this_version_writes_the_golden_log_byte_by_byte() -> None:
    """A renamed, added or reordered field changes what is written: raise the version then."""
    for line in golden_lines():
        assert EVENT.validate_json(line).model_dump_json().encode() == line


def test_events_are_frozen_and_refuse_fields_they_do_not_know() -> None:
    event: Event = Answer(turn=1, text="4")
    with pytest.raises(ValidationError):
        event.turn = 2  # type: ignore[misc]
    with pytest.raises(ValidationError):
        EVENT.validate_json(b'{"type":"answer","turn":1,"text":"4","confidence":1}')


def test_a_log_of_a_newer_version_says_so(tmp_path: Path) -> None:
    line = Answer(turn=0, text="x", v=SCHEMA_VERSION + 1).model_dump_json()
    path = tmp_path / "new.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(UserError, match=r"new\.jsonl:1 was written by a newer Surveyor"):
        list(read_events(path))
