"""Why an answer missed, in a few words, from the log and the score alone."""

from __future__ import annotations

from surveyor.memory.episodes import Episode
from surveyor.memory.events import EpisodeStatus, Score, ToolStatus

RIGHT = 0.5


def miss(score: Score, episode: Episode | None) -> str:
    """What went wrong; empty where nothing did. The first of these that holds is said: no answer,
    a guess, a number too large or too small, another option, and what was missing on the way."""
    if score.value >= RIGHT:
        return ""
    if episode is None or score.status is EpisodeStatus.INCOMPLETE:
        return "not answered: the episode is incomplete"
    if episode.given is None:
        return f"no answer: {episode.reason or 'the episode ended without one'}"
    found = _off(score.prediction, str(score.fields.get("correct", "")))
    why = _on_the_way(episode)
    if episode.given.guess:
        found = f"a guess, as nothing was measured{f'; {found}' if found else ''}"
    return f"{found or 'another answer than the right one'}{f'; {why}' if why else ''}"


def _off(given: str, right: str) -> str:
    try:
        told, true = float(given), float(right)
    except ValueError:
        return ""
    if true == 0 or told == true:
        return ""
    if "." not in given + right:
        gap = int(abs(told - true))
        return f"{gap} too {'many' if told > true else 'few'}"
    return f"{100 * abs(told - true) / abs(true):.0f} % too {'large' if told > true else 'small'}"


def _on_the_way(episode: Episode) -> str:
    """The last thing that was missing before the answer."""
    for outcome in reversed(episode.outcomes):
        if outcome.status is not ToolStatus.OK:
            return f"{outcome.name} failed before: {outcome.text.splitlines()[0][:120]}"
    weak = [
        row
        for outcome in episode.outcomes
        if isinstance(outcome.data, dict) and isinstance(outcome.data.get("objects"), list)
        for row in (outcome.data["objects"] or ())  # type: ignore[union-attr]
        if isinstance(row, dict) and row.get("accepted") is False
    ]
    if weak:
        names = sorted({str(row.get("category")) for row in weak})
        return f"{len(weak)} seen in too few views to count: {', '.join(names[:4])}"
    return ""
