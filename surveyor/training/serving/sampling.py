"""Sampling one reply token by token, with the log-probabilities that it was sampled under."""

from __future__ import annotations

from typing import Any

from surveyor.training.extras import need
from surveyor.training.serving.contract import Drawn


def sampled(
    model: Any,
    inputs: dict[str, Any],
    *,
    end: int,
    most: int,
    temperature: float,
    top_p: float = 1.0,
    seed: int | None = None,
) -> Drawn:
    """Sample up to ``most`` ids after ``inputs``, tensors of one prompt; greedy at temperature 0.

    Log-probabilities are of the distribution that is sampled from: after temperature and top-p;
    at temperature 0 they are the model's own.
    """
    torch = need("torch")
    drawn = Drawn()
    ids, logprobs, ended = drawn.ids, drawn.logprobs, False
    dice = torch.Generator().manual_seed(seed) if seed is not None else None
    with torch.inference_mode():
        out = model(**inputs, use_cache=True)
        # The cache's name, which transformers changed in 5.24.
        name = "cache" if "cache" in out else "past_key_values"
        for _ in range(most):
            scores = out.logits[0, -1].float()
            if temperature > 0:
                logs = _nucleus(torch, torch.log_softmax(scores / temperature, -1), top_p)
                chosen = int(torch.multinomial(logs.exp(), 1, generator=dice))
            else:
                logs = torch.log_softmax(scores, -1)
                chosen = int(logs.argmax())
            ids.append(chosen)
            logprobs.append(float(logs[chosen]))
            if chosen == end:
                ended = True
                break
            following = {"input_ids": torch.tensor([[chosen]]), name: out[name]}
            out = model(**following, use_cache=True)
    return Drawn(ids, logprobs, ended)


def _nucleus(torch: Any, logs: Any, top_p: float) -> Any:
    """The smallest set of ids that holds ``top_p`` of the probability, renormalised."""
    if top_p >= 1:
        return logs
    order = logs.argsort(descending=True)
    before = logs[order].exp().cumsum(-1) - logs[order].exp()
    kept = torch.full_like(logs, float("-inf"))
    inside = order[before < top_p]
    kept[inside] = logs[inside]
    return torch.log_softmax(kept, -1)
