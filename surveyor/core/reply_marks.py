"""The one door for marks that models leave in a reply: what is thought, and what is no text at all.

Families mark their thoughts and the end of a turn in their own ways, and a server that was started
without the right parser hands them on. Reading a run and scoring a file of replies both go through
`plain_marks`, so that they agree on what was said.
"""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = r"(?:think|thinking|thought|thoughts|analysis|reasoning|reflection|seed:think)"
_THOUGHT: Final = re.compile(rf"<(/?){_NAMES}>|\[(/?)THINK\]|◁(/?)think▷", re.IGNORECASE)
_ANSWER: Final = re.compile(r"<(/?)answer>", re.IGNORECASE)
_FINAL: Final = re.compile(r"<\|channel\|>final\s*(?:<\|constrain\|>\w+)?<\|message\|>")
_CHANNEL: Final = re.compile(r"(?:<\|start\|>\w*)?<\|channel\|>\w+<\|message\|>")
_TOKEN: Final = re.compile(
    r"<\|(?:im_end|im_start|end|start|return|eot_id|eom_id|end_of_text|endoftext|begin_of_box|"
    r"end_of_box|assistant|user|eos)\|>|</?s>|<eos>|<(?:end|start)_of_turn>|<｜end▁of▁sentence｜>"
)
_UNSEEN: Final = "\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00\u00ad"
_INVISIBLE: Final = re.compile(f"[{_UNSEEN}]")
_ANY: Final = re.compile(rf"[<\[◁{_UNSEEN}]")
"""What every mark begins with: most replies hold none."""


def plain_marks(text: str) -> str:
    """A reply with every family's thoughts between ``<think>`` and ``</think>``, ``<answer>`` in
    lower case, and without tokens that only end a turn and characters that nobody sees.

    Channels (gpt-oss) other than the final one are thoughts. Marks of tool calls stay.
    """
    if not _ANY.search(text):
        return text
    text = _INVISIBLE.sub("", text)
    before, final, rest = _split(text)
    if final:
        text = f"<think>{_CHANNEL.sub(' ', before)}</think>{rest}"
    text = _THOUGHT.sub(lambda tag: f"<{tag[1] or tag[2] or tag[3] or ''}think>", text)
    text = _ANSWER.sub(lambda tag: f"<{tag[1]}answer>", text)
    return _TOKEN.sub("", text)


def _split(text: str) -> tuple[str, bool, str]:
    """What stands before and after the last mark of the final channel, and whether there is one."""
    found = list(_FINAL.finditer(text))
    if not found:
        return text, False, ""
    return text[: found[-1].start()], True, text[found[-1].end() :]
