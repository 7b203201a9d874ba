"""A compact agent behind the chat API: slots in, calls out. The server keeps no state."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from surveyor.training.compact.language import decode, encode
from surveyor.training.compact.model import load_model
from surveyor.training.compact.vocabulary import END, Vocabulary
from surveyor.training.extras import need
from surveyor.training.serving.contract import ChatRequest, ModelReply, NotServed, SpokenCall
from surveyor.training.serving.sampling import sampled
from surveyor.training.serving.weights import weights_id

_LONGEST_TURN = 256


class CompactBackend:
    """Loads a folder that `surveyor train compact` made."""

    def __init__(self, folder: Path) -> None:
        self.vocabulary = Vocabulary.load(folder)
        self.model = load_model(folder)
        self.weights = weights_id(folder)
        self._longest = int(self.model.config.max_position_embeddings)
        self._turn = threading.Lock()

    def reply(self, request: ChatRequest) -> ModelReply:
        """One turn; what the model said and can't be read comes back as text."""
        said = encode(request.messages, self.vocabulary)
        prompt = self.vocabulary.encode(said.tokens)
        room = self._longest - len(prompt)
        if room < 1:
            raise NotServed(
                f"this conversation has {len(prompt)} tokens and the model takes {self._longest}",
                code="context_length_exceeded",
            )
        with self._turn:
            drawn = sampled(
                self.model,
                {"input_ids": need("torch").tensor([prompt])},
                end=self.vocabulary.ids[END],
                most=min(room, request.most or _LONGEST_TURN),
                temperature=request.temperature,
                top_p=request.top_p,
                seed=request.seed,
            )
        texts = self.vocabulary.decode(drawn.ids)
        content, calls = _understood(texts, said.table)
        finish = "tool_calls" if calls else "stop" if drawn.ended else "length"
        return ModelReply(
            content,
            calls,
            finish,
            tuple(prompt),
            tuple(drawn.ids),
            tuple(f"{text} " for text in texts),
            tuple(drawn.logprobs),
        )


def _understood(texts: list[str], table: Any) -> tuple[str | None, tuple[SpokenCall, ...]]:
    try:
        said = decode(texts, table)
    except ValueError:
        return " ".join(texts), ()
    if said.answer is not None:
        return f"<answer>{said.answer}</answer>", ()
    return said.need, tuple(
        SpokenCall(name, json.dumps(arguments)) for name, arguments in said.calls
    )
