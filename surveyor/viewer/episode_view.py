"""One episode as the pages need it: steps, evidence, frames; and the geometry of its scene."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from pydantic import JsonValue

from surveyor.benchmarks.report.pictures import colour_of
from surveyor.benchmarks.tool_use import tool_use
from surveyor.core.masks import decode_rle
from surveyor.memory.episodes import Episode
from surveyor.memory.events import (
    FormatError,
    LimitHit,
    ModelCall,
    SkillsRetrieved,
    ToolCall,
    ToolOutcome,
)
from surveyor.memory.evidence import Chain, Node, chain, nodes

_LONG: Final = 4000
_MOST_STEPS: Final = 400


def episode_json(episode: Episode, frames: Sequence[int]) -> dict[str, Any]:
    """Everything of the page but the pixels; long texts are cut and say so."""
    started = episode.started
    links = chain(episode)
    given = episode.given
    use = tool_use(episode)
    return {
        "task": started.task_id,
        "epoch": started.epoch,
        "attempts": episode.attempts,
        "scene": started.scene_id,
        "type": started.question_type,
        "question": started.question,
        "options": started.options,
        "planner": started.planner,
        "status": episode.status.value,
        "reason": episode.reason,
        "elapsed": episode.elapsed,
        "answer": None if given is None else given.text,
        "guess": given is not None and given.guess,
        "notes": dict(given.notes) if given else {},
        "basis": use.basis.value,
        "steps": steps(episode, {key: value.value for key, value in use.uses.items()}),
        "chain": chain_json(links, episode),
        "frames": [
            {"handle": f"frame_{index}", "sha256": sha256}
            for index, sha256 in zip(frames or range(10**6), started.frames, strict=False)
        ],
        "shapes": shapes(episode, links),
    }


def steps(episode: Episode, uses: dict[str, str]) -> list[dict[str, Any]]:
    """What happened, in order: calls with their results, a model's words, mistakes, limits."""
    outcomes = {outcome.call_id: outcome for outcome in episode.outcomes}
    began = episode.started.mono
    found: list[dict[str, Any]] = []
    for event in episode.events[:_MOST_STEPS]:
        at = round(event.mono - began, 3)
        if isinstance(event, ToolCall):
            outcome = outcomes.get(event.call_id)
            found.append({"kind": "call", "at": at, **_call(event, outcome, uses)})
        elif isinstance(event, ModelCall):
            found.append(
                {
                    "kind": "model", "at": at, "model": event.model, "text": cut(event.text),
                    "reasoning": cut(event.reasoning), "finish": event.finish,
                    "prompt": event.prompt, "repairs": event.repairs,
                    "tokens": [event.usage.input_tokens, event.usage.output_tokens],
                    "elapsed": event.elapsed,
                }
            )  # fmt: skip
        elif isinstance(event, FormatError):
            told = {"raw": cut(event.raw), "text": cut(event.observation)}
            found.append({"kind": "rejected", "at": at, **told})
        elif isinstance(event, LimitHit):
            text = f"{event.limit}: {event.value:g} of {event.bound:g}"
            found.append({"kind": "limit", "at": at, "text": text})
        elif isinstance(event, SkillsRetrieved):
            names = [f"{c.skill}@{c.version}" for c in event.candidates if c.used]
            found.append({"kind": "skills", "at": at, "text": ", ".join(names) or "none used"})
    return found


def _call(call: ToolCall, outcome: ToolOutcome | None, uses: dict[str, str]) -> dict[str, Any]:
    return {
        "name": call.name,
        "arguments": cut(call.raw_arguments),
        "notes": call.notes,
        "use": uses.get(call.call_id, ""),
        "call_id": call.call_id,
        "status": outcome.status.value if outcome else "no result",
        "text": cut(outcome.text) if outcome else "",
        "handles": outcome.handles[:64] if outcome else (),
        "expert_calls": outcome.expert_calls if outcome else 0,
        "cached": outcome.cached if outcome else 0,
        "cost": outcome.cost if outcome else 0.0,
        "elapsed": outcome.elapsed if outcome else 0.0,
        "producers": [f"{p.name} {p.version} {p.backend}" for p in outcome.producers]
        if outcome
        else [],
    }


def cut(text: str) -> str:
    """A text that fits a page."""
    return text if len(text) <= _LONG else f"{text[:_LONG]} … ({len(text) - _LONG} more characters)"


def chain_json(links: Chain, episode: Episode) -> dict[str, Any]:
    """The chain as nodes with what they were made from, and what was found but not used."""
    every = nodes(episode)
    unused = [
        node
        for node in every.values()
        if node.kind in ("obj", "box") and node.handle not in links.nodes
    ]
    return {
        "roots": links.roots,
        "stated": links.stated,
        "nodes": [_node(node) for node in links.nodes.values()],
        "unused": [_node(node) for node in unused[:100]],
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "handle": node.handle,
        "kind": node.kind,
        "tool": node.tool,
        "from": node.made_from,
        "label": label(node),
        "frame": node.row.get("frame", ""),
    }


def label(node: Node) -> str:
    """What a node is, in a few words."""
    row = node.row
    if node.kind == "meas":
        return f"{row.get('value', '')} {row.get('unit', '')}".strip()
    if node.kind == "obj":
        seen = f"{row.get('support')} of {row.get('visible')} views"
        weak = "" if row.get("accepted") else ", weak"
        return f"{row.get('category', '')}, {seen}{weak}"
    if node.kind in ("box", "mask"):
        score = row.get("score")
        told = f" {score:.2f}" if isinstance(score, float) else ""
        return f"{row.get('category', '')}{told}"
    return str(row.get("category", ""))


def shapes(episode: Episode, links: Chain) -> list[dict[str, Any]]:
    """Boxes and masks in frames: which are evidence, and which mask replaces which box."""
    found = []
    for node in nodes(episode).values():
        box = node.row.get("box")
        if node.kind in ("box", "mask") and isinstance(box, list) and len(box) == 4:
            red, green, blue = colour_of(str(node.row.get("category")))
            found.append(
                {
                    "handle": node.handle, "kind": node.kind, "frame": node.row.get("frame"),
                    "category": node.row.get("category"), "score": node.row.get("score"),
                    "box": box, "colour": f"#{red:02x}{green:02x}{blue:02x}",
                    "prompt": node.row.get("prompt", ""), "used": node.handle in links.nodes,
                }
            )  # fmt: skip
    return found[:2000]


def mask_png(episode: Episode, handle: str) -> bytes | None:
    """A mask in its category's colour, transparent elsewhere; ``None`` where there is none."""
    from PIL import Image

    node = nodes(episode).get(handle)
    mask = node.row.get("mask") if node is not None else None
    if node is None or not isinstance(mask, dict):
        return None
    size = mask.get("size")
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(v, int) for v in size):
        return None
    height, width = int(str(size[0])), int(str(size[1]))
    if not 0 < height * width <= 40_000_000:
        return None
    inside = decode_rle((height, width), str(mask.get("counts")))
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[inside] = (*colour_of(str(node.row.get("category"))), 110)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def scene_json(episode: Episode) -> dict[str, Any]:
    """The episode's objects and measured segments, and the kept geometry's name, space by space."""
    spaces: dict[str, dict[str, Any]] = {}
    for node in nodes(episode).values():
        row = node.row
        if node.kind == "recon":
            spaces[node.handle] = {
                "space": node.handle,
                "scale": row.get("scale"),
                "geometry": _sha(row.get("geometry")),
                "objects": [],
                "segments": [],
            }
    for node in nodes(episode).values():
        row = node.row
        space = spaces.setdefault(
            str(row.get("space") or "elsewhere"),
            {"space": row.get("space"), "scale": "", "geometry": "", "objects": [], "segments": []},
        )
        if node.kind == "obj" and isinstance(row.get("center"), list):
            red, green, blue = colour_of(str(row.get("category")))
            keys = ("category", "center", "size", "axes", "support", "visible", "confidence")
            told = {key: row.get(key) for key in keys}
            colour = f"#{red:02x}{green:02x}{blue:02x}"
            accepted = row.get("accepted", True)
            space["objects"].append(
                {**told, "handle": node.handle, "colour": colour, "accepted": accepted}
            )
        elif node.kind == "meas" and row.get("points"):
            space["segments"].append(
                {"handle": node.handle, "points": row["points"], "label": label(node)}
            )
    return {"spaces": [s for s in spaces.values() if s["geometry"] or s["objects"]]}


def _sha(ref: JsonValue) -> str:
    return str(ref.get("sha256", "")) if isinstance(ref, dict) else ""
