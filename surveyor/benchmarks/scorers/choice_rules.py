"""How benchmarks of 2025 and 2026 read the letter of a reply, each by its own published code.

A rule takes the reply as text and returns the letter that the code compares, or None where it
finds none. All are case sensitive unless they say otherwise.
"""

from __future__ import annotations

import json
import re
from typing import Final

from surveyor.benchmarks.scorers.easi_rules import LETTERS


def _last(pattern: str, text: str) -> str | None:
    """The letter of the last match."""
    found = re.findall(pattern, text)
    return found[-1] if found else None


def _first(pattern: str, text: str, flags: int = 0) -> str | None:
    """The letter of the first match."""
    found = re.search(pattern, text, flags)
    return found.group(1) if found else None


def mindcube(text: str) -> str | None:
    """MindCube 6d8fd9a, A-E: the last letter before a full stop, inside a word too; else that of
    an ``<Answer>`` section; else the last of the first pattern that matches; else, from the bottom,
    the first stand-alone letter of a line (``N/A`` is A)."""
    if (dotted := _last(r"([A-E])\.", text)) is not None:
        return dotted
    section = _first(r"(?s)<Answer>(.*?)(?:<|\Z)", text)
    patterns = [r"[Mm]y answer is ([A-E])", r"[Tt]he answer is ([A-E])", r"\b([A-E])\b"]
    for pattern in patterns if section is not None else ():
        if (found := _last(pattern, section or "")) is not None:
            return found
    for pattern in (
        r"(?:^|\n)(?:Answer: )?([A-E])(?:$|\s)",
        r"[*\"]([A-E])[*\"]",
        r"\bAnswer:?\s*([A-E])\b",
        r"[Mm]y answer is ([A-E])",
        r"answer is ([A-E])",
    ):
        if (found := _last(pattern, text)) is not None:
            return found
    lines = (_first(r"\b([A-E])\b", line) for line in reversed(text.split("\n")))
    return next((letter for letter in lines if letter), None)


def mindcube_stripped(text: str) -> str | None:
    """lmms-eval's: the same on the reply without blanks at its ends."""
    return mindcube(text.strip())


def viewspatial(text: str) -> str | None:
    """ViewSpatial-Bench 2e85a5e: the first stand-alone letter A-D, in any case, after the last line
    break; so nothing in a reply that ends in one."""
    found = _first(r"\b([A-D])\b", text.rsplit("\n", 1)[-1], re.IGNORECASE)
    return found.upper() if found else None


def site(text: str, n_options: int) -> str | None:
    """SITE-Bench 36295bb; where it returns None the published code draws a random option.

    The first kind that occurs counts: ``(X)``, ``X`` between blanks, ``X.``, ``X`` at a colon. Of
    several letters the one that stands last between blanks, else the first of the alphabet.
    """
    padded = f" {text.strip()} "
    letters = LETTERS[:n_options]
    for forms in (("({})",), (" {} ",), ("{}.",), ("{}:", ":{}", ": {}")):
        named = [x for x in letters if any(form.format(x) in padded for form in forms)]
        if named:
            return max(named, key=lambda letter: padded.rfind(f" {letter} "))
    return None


def threedsr_lmms(text: str) -> str | None:
    """lmms-eval's for 3DSRBench: the first of eight patterns that matches, A-D."""
    text = text.strip()
    for pattern in (
        r"^([A-D])[.\s)]",
        r"^([A-D])$",
        r"[Aa]nswer[:\s]+([A-D])",
        r"[Tt]he answer is[:\s]+([A-D])",
        r"[Mm]y answer is[:\s]+([A-D])",
        r"\(([A-D])\)",
        r"([A-D])\.",
        r"\b([A-D])\b",
    ):
        if (found := _first(pattern, text)) is not None:
            return found
    return None


_MARKERS: Final = ('"answer":', "answer is", "answer:", '"Answer":', "Answer is", "Answer:")


def mmsi_video(text: str) -> str | None:
    """MMSI-Video-Bench b8da92c, A-F: of ``boxed{}``, else after the last place of the first marker
    that occurs up to a comma or full stop, else before the first full stop; one letter and nothing
    else there, or the row failed. "no answer" anywhere fails too."""
    text = _without_tags(text)
    if "no answer" in text:
        return None
    if "boxed{" in text:
        return _one_letter(text.split("boxed{")[1].split("}")[0])
    for marker in _MARKERS:
        if marker in text:
            return _one_letter(text.split(marker)[-1].split(",")[0].split(".")[0])
    return _one_letter(text.split(".")[0])


def mmsi_video_lmms(text: str) -> str | None:
    """lmms-eval's: goes on where a place holds no letter, then takes the first of the alphabet that
    occurs as ``(X)``, between blanks, or as ``X.``."""
    if "no answer" in text.lower():
        return None
    text = _without_tags(text)
    places = [text.split("boxed{")[1].split("}")[0]] if "boxed{" in text else []
    for marker in (*_MARKERS, "The answer is", "the answer is"):
        if marker in text:
            places.append(text.split(marker)[-1].split(",")[0].split(".")[0])
    places.append(text.split(".")[0])
    if (found := next(filter(None, map(_one_letter, places)), None)) is not None:
        return found
    padded = f" {text} "
    named = (x for x in "ABCDEF" if f"({x})" in text or f" {x} " in padded or f"{x}." in text)
    return next(named, None)


def _without_tags(text: str) -> str:
    return text.replace("<answer>", "").replace("</answer>", "")


def _one_letter(text: str) -> str | None:
    """The letter that is left without blanks, quotes, colons and line breaks."""
    left = re.sub(r"[ \"'\n:]", "", text)
    return left if left in tuple("ABCDEF") else None


def omnispatial(text: str) -> str | None:
    """OmniSpatial 208bac2, ``re``: the last ``Answer: X``, A-D, found in any case and compared as
    typed; where it finds none the published code takes A."""
    return _last(r"(?i)Answer\s*:\s*([A-D])\b", text)


def omnispatial_json(text: str) -> str | None:
    """OmniSpatial, ``json``: the first character of ``answer``; A on any error."""
    body = text.strip().removeprefix("```json").removesuffix("```").strip()
    try:
        said = json.loads(body).get("answer", "A")
        return str(said.strip().upper()[:1])
    except (ValueError, AttributeError, RecursionError):
        return None


def omnispatial_direct(text: str) -> str | None:
    """OmniSpatial, ``direct``: the first character in capitals, whatever it is."""
    return text.strip().upper()[:1] or None


def first_word(text: str) -> str | None:
    """ReVSI's: the first word without full stops behind it, in capitals."""
    return text.strip().split(" ")[0].rstrip(".").strip().upper() or None
