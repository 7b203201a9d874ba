"""Replies that judge each option instead of naming one: marks, verdicts, shares, elimination."""

from __future__ import annotations

import re
from typing import Final

_HEAD: Final = re.compile(
    r"(?:(?<=^)|(?<=[\n,;.])|(?<=\s)(?=\())[\s*(\[\"'{-]*(?:option\s+|P\()?([A-Z])\b"
    r"[)\]\"'*.:=]*"
)
_YES: Final = re.compile(
    r"✓|✔|✅|☑|\b(?:true|correct|right answer|yes|possible|matches|fits)\b", re.I
)
_NO: Final = re.compile(
    r"✗|✘|❌|☒|\b(?:false|incorrect|wrong|no|not|impossible|excluded|ruled out|isn't)\b", re.I
)
_SHARE: Final = re.compile(r"^\W*(\d*\.?\d+) ?%?\W*$")
_ALL_BUT: Final = re.compile(
    r"(?i:\b(?:all|every|everything|each|any|both)\b[\w ]{0,20}\b(?:but|except|besides|other than)"
    r"(?: for)?\s+(?:option\s+)?)[*\"(]*([A-Z])\b[^.\n]*"
    r"\b(?:wrong|incorrect|false|ruled out|eliminated|excluded|out)\b",
)
_REMAINS: Final = re.compile(
    r"(?:\bonly|\bleaves|\bleaving|\bleft with|\bremaining(?: option| choice)? is)(?: us with)?\s+"
    r"(?:option\s+|choice\s+)?[*\"(]*([A-Z])\b(?! (?:and|or)\b)"
)


def settled_by_verdict(part: str, valid: str) -> str | None:
    """The one option that a reply judges right, likeliest or left over; None where it judges none.

    ``valid`` are the letters of the options. Two or more must be judged, and but one be right.
    """
    for pattern in (_ALL_BUT, _REMAINS):
        found: set[str] = set(pattern.findall(part)) & set(valid)
        if len(found) == 1:
            return found.pop()
    told = _sections(part, valid)
    if len(told) < 2:
        return None
    shares = {letter: float(m[1]) for letter, said in told.items() if (m := _SHARE.match(said))}
    if len(shares) == len(told):
        best = [letter for letter, share in shares.items() if share == max(shares.values())]
        return best[0] if len(best) == 1 else None
    right = [letter for letter, said in told.items() if _YES.search(said) and not _NO.search(said)]
    wrong = [letter for letter, said in told.items() if _NO.search(said)]
    return right[0] if len(right) == 1 and len(right) + len(wrong) == len(told) else None


def _sections(part: str, valid: str) -> dict[str, str]:
    """What is said of each option that heads a piece of the text; nothing where one heads two."""
    heads = [head for head in _HEAD.finditer(part) if head[1] in valid]
    ends = [*(head.start() for head in heads[1:]), len(part)]
    told = {h[1]: part[h.end() : end] for h, end in zip(heads, ends, strict=False)}
    return told if len(told) == len(heads) else {}
