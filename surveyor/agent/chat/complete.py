"""The published dialect: one request, and the whole reply is the answer, as harnesses read it.

For published wordings without tools, which say nothing of how to answer but what the benchmark
says. Thoughts are taken out as the harnesses do, and what stands between ``<answer>`` tags is the
answer where a model writes them by itself. A reply that was cut off is still the reply.
"""

from __future__ import annotations

from typing import Any

from surveyor.agent.chat.messages import Message
from surveyor.agent.chat.reply_parser import MOST_TEXT, Reading, kept, reasoning_of, text_of
from surveyor.agent.chat.tagged_text import read_blocks
from surveyor.agent.planner import Observation
from surveyor.memory.events import FormatError

_EMPTY = "Your message was empty. Answer the question."


class WholeDialect:
    """Reads replies to a published wording."""

    name = "whole"
    instructions = ""

    @property
    def request_fields(self) -> dict[str, Any]:
        """Nothing besides messages."""
        return {}

    def read(self, message: dict[str, Any], finish: str, turn: int) -> Reading:
        """Understand one assistant message; never raises, whatever the message holds."""
        del turn  # there are no calls to number
        text, cut = kept(text_of(message.get("content")), MOST_TEXT), finish == "length"
        blocks = read_blocks(text, cut=cut)
        tagged = set(blocks.answers)
        answer = tagged.pop() if len(tagged) == 1 else blocks.rest
        thoughts = (kept(reasoning_of(message), MOST_TEXT), blocks.thought)
        empty = not answer and not cut
        return Reading(
            echo=Message("assistant", (text,)),
            text=text,
            reasoning="\n".join(filter(None, thoughts)),
            answer=None if empty else answer,
            mistake=_EMPTY if empty else None,
            repairs=tuple(blocks.repairs),
        )

    def observe(self, observations: tuple[Observation, ...]) -> list[Message]:
        """What was wrong, as messages; nothing else can come back."""
        errors = [o.observation for o in observations if isinstance(o, FormatError)]
        return [Message("user", (error,)) for error in errors]
