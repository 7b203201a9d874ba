"""What single benchmarks keep in ways of their own, for `field_maps`; see `row_fields`."""

from __future__ import annotations

import base64
import io
import re
from ast import literal_eval
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from surveyor.benchmarks.loaders.row_fields import (
    Row,
    field_of,
    lettered,
    listed,
    strings,
    without_ending,
)
from surveyor.benchmarks.scorers.revsi import LETTER_TYPES, UNITS
from surveyor.benchmarks.scorers.spar import NUMBER_TASKS, VIEW_CHANGE
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind
from surveyor.core.videos import SUFFIXES

IMAGE: Final = "<image>"
"""Where a picture stands in the text of a question."""
REFSPATIAL_PARTS: Final = ("location", "placement", "unseen")
BLINK_TASKS: Final = (
    *("Art_Style", "Counting", "Forensic_Detection", "Functional_Correspondence", "IQ_Test"),
    *("Jigsaw", "Multi-view_Reasoning", "Object_Localization", "Relative_Depth"),
    *("Relative_Reflectance", "Semantic_Correspondence", "Spatial_Relation"),
    *("Visual_Correspondence", "Visual_Similarity"),
)
BLINK_STEMS: Final = tuple(f"{name}/val|{name}_val|{name}" for name in BLINK_TASKS)
"""One file for each; ``|`` stands between its possible names."""
_FRAMES: Final = {"u50": 50, "sc": 300}


# SITE


def _is_video(row: Row) -> bool:
    visual = listed("visual")(row)
    return len(visual) == 1 and str(visual[0]).lower().endswith(SUFFIXES)


def site_pictures(row: Row) -> Sequence[object]:
    """A row's pictures; none for a row of a video."""
    return () if _is_video(row) else listed("visual")(row)


def site_video(row: Row) -> str:
    """A row's video without its ending."""
    return re.sub(r"\.\w+\Z", "", str(listed("visual")(row)[0])) if _is_video(row) else ""


# EmbSpatial-Bench


def embspatial_scene(row: Row) -> str:
    """The scan's own name in rows of ScanNet."""
    return str(row.get("scene_id") or "") if row.get("data_source") == "scannet" else ""


# BLINK


def blink_question(row: Row) -> str:
    """The published prompt without the options at its end, else the question."""
    prompt, tail = str(row.get("prompt") or ""), "\n" + "\n".join(blink_options(row))
    return prompt.removesuffix(tail) if prompt.endswith(tail) else field_of("question")(row)


def blink_options(row: Row) -> Sequence[str]:
    """The choices under letters in brackets."""
    return lettered("choices", "({}) {}")(row)


# SPAR-Bench


def spar_kind(row: Row) -> AnswerKind:
    """Numbers, an action vector as text, letters."""
    task = row.get("task")
    if task in NUMBER_TASKS:
        return AnswerKind.NUMBER
    return AnswerKind.TEXT if task == VIEW_CHANGE else AnswerKind.CHOICE


# MMSI-Video-Bench


def mmsi_video_budget(row: Row, split: str) -> Row:
    """The row with the frames of its setting: all where they are few, else evenly over all clips,
    and the first of a clip that would have none."""
    clips = _clips(row)
    total, most = sum(map(len, clips)), _FRAMES[split]
    if total > most:
        step = (total - 1) / (most - 1)
        wanted = [int(k * step) for k in range(most)]
        shown, start = [], 0
        for clip in clips:
            mine = [clip[k - start] for k in wanted if start <= k < start + len(clip)]
            shown.append(mine or list(clip[:1]))
            start += len(clip)
        clips = shown
    return {**row, "frames_list": clips}


def _clips(row: Row) -> list[list[str]]:
    value = row.get("frames_list")
    if isinstance(value, str):
        try:
            value = literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            value = None
    if not isinstance(value, list) or not all(isinstance(clip, list) and clip for clip in value):
        raise UserError("the field frames_list is no list of clips with frames")
    return [[str(name) for name in clip] for clip in value]


def mmsi_video_question(row: Row) -> str:
    """The four parts of the prompt, with a place for every frame that is shown."""
    system, task, user, form = (
        str(row.get(f"{part}_prompt") or "") for part in ("system", "task", "user", "format")
    )
    text = "\n".join(part for part in (system, task, user + form) if part)
    for clip in _clips(row):
        text = text.replace("<video>", IMAGE * len(clip), 1)
    return text


def mmsi_video_pictures(row: Row) -> Sequence[object]:
    """The frames of all clips, then the reference pictures."""
    return [name for clip in _clips(row) for name in clip] + list(strings("ref_images")(row))


# OmniSpatial


def named_by(*names: str) -> Callable[[Row, str], Row]:
    """Rows whose ids are unique within these fields alone."""

    def read(row: Row, split: str) -> Row:
        del split
        return {**row, "id": "_".join(str(row.get(name)) for name in names), "own_id": row["id"]}

    return read


def omnispatial_picture(row: Row) -> Sequence[object]:
    """``<family>/<id before _>.png``, or the picture in the row."""
    if (image := row.get("image")) is not None:
        return (image,)
    return (f"{row.get('task_type')}/{str(row.get('own_id')).split('_')[0]}.png",)


# ReVSI and VSI-SUPER


def with_split(row: Row, split: str) -> Row:
    """The row with the name of its split."""
    return {**row, "split": split}


def revsi_video(row: Row) -> str:
    """The video that holds the frames of the row's budget."""
    frames = row.get("num_frames")
    folder = f"{frames}_frame" if frames not in (None, "") else str(row["split"])
    return f"{folder}/{field_of('scene_id')(row)}"


def revsi_kind(row: Row) -> AnswerKind:
    """Letters or numbers."""
    return AnswerKind.CHOICE if row.get("question_type") in LETTER_TYPES else AnswerKind.NUMBER


def revsi_unit(row: Row) -> str:
    """What a number is asked for in."""
    return UNITS.get(str(row.get("question_type")), "")


def of_split(row: Row, split: str) -> Row:
    """The row with its kind and split; a row of another split is left out by an empty answer."""
    kind, length = split.split("_", 1)
    answer = row.get("answers") if length.endswith("_streaming") else row.get("answer")
    kept = str(row.get("split") or row.get("type") or length) == length
    text = str(answer) if kept and answer is not None else None
    return {**row, "answer": text, "split": split, "kind": kind}


def super_type(row: Row) -> str:
    """recall, count or streaming."""
    return "streaming" if str(row["split"]).endswith("_streaming") else str(row["kind"])


def super_kind(row: Row) -> AnswerKind:
    """A letter, a number, or a list as text."""
    kinds = {"recall": AnswerKind.CHOICE, "count": AnswerKind.NUMBER}
    return kinds.get(super_type(row), AnswerKind.TEXT)


def super_scene(row: Row) -> str:
    """The video's own name."""
    return re.sub(r"[/\\]+", "_", without_ending("video_path")(row)).strip("._")


# RefSpatial-Bench, RoboSpatial-Home


def pointing(row: Row) -> AnswerKind:
    """Points in the picture."""
    del row
    return AnswerKind.POINTS


def refspatial_part(row: Row, split: str) -> Row:
    """The row with its split, which its id is unique in."""
    return {**row, "id": f"{split}_{row.get('id')}", "split": split}


def robospatial_kind(row: Row) -> AnswerKind:
    """A point, else yes or no."""
    return AnswerKind.POINTS if row.get("category") == "context" else AnswerKind.TEXT


def with_mask(row: Row) -> Mapping[str, object]:
    """The mask as base64 text, which scorers read."""
    mask = row.get("mask")
    data = mask.get("bytes") if isinstance(mask, Mapping) else mask
    if isinstance(data, bytes):
        return {"mask": base64.b64encode(data).decode()}
    if isinstance(data, str):
        return {"mask": data}
    raise UserError("the field mask is missing or no picture")


def with_size(row: Row) -> Mapping[str, object]:
    """The picture's size where the row holds the picture; points in pixels need it."""
    from PIL import Image

    image = row.get("img")
    data = image.get("bytes") if isinstance(image, Mapping) else image
    if not isinstance(data, bytes):
        return {}
    with Image.open(io.BytesIO(data)) as opened:
        return {"width": opened.width, "height": opened.height}


# ERQA


def erqa_question(row: Row) -> str:
    """The question with pictures where ``visual_indices`` put them: characters from the start; all
    0, or not as many as there are pictures, put them first."""
    text, places = field_of("question")(row), row.get("visual_indices")
    images = listed("images")(row)
    if not isinstance(places, list | tuple) or len(places) != len(images) or not any(places):
        return text
    for place in sorted((int(str(place)) for place in places), reverse=True):
        text = text[:place] + IMAGE + text[place:]
    return text
