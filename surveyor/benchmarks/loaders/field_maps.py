"""Where benchmarks keep what a question needs: one table of field names for one reader.

A map says which field of a published row is what; `surveyor.benchmarks.loaders.mapped` reads by it.
What would give an answer away (SITE's category is not that, 3DSRBench's ``qid`` is) goes to the
hidden side: ``hidden`` fields are the scorer's, ``group`` is what a score is reported under.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from surveyor.benchmarks.loaders import own_rows
from surveyor.benchmarks.loaders import published_rows as rows
from surveyor.benchmarks.loaders import row_fields as of
from surveyor.benchmarks.scorers.choices import mindcube_setting
from surveyor.core.tasks import AnswerKind

Row: TypeAlias = Mapping[str, object]


def no_text(row: Row) -> str:
    """For what a benchmark's rows do not have."""
    del row
    return ""


def choice(row: Row) -> AnswerKind:
    """For benchmarks of letters alone."""
    del row
    return AnswerKind.CHOICE


_QUESTION: Final = of.field_of("question")
_ANSWER: Final = of.field_of("answer")
_IMAGES: Final = of.listed("images")


@dataclass(frozen=True, slots=True)
class FieldMap:
    """How one benchmark's rows are read.

    ``stems`` are the names of each split's files without their endings, tried in order; a split
    with several parts (SITE's pictures and videos) names them in ``parts``. ``id`` is the field of
    the row's id, "" for its position. ``pictures`` gives a row's images, ``video`` the path of its
    video without an ending; both below one of ``places``. ``scene`` is the scan's own name where
    the row tells it, ``shared`` that rows of the same pictures are one scene. ``budget`` names the
    splits whose files hold just the frames that must be shown.
    """

    name: str
    metric: str
    stems: Mapping[str, Sequence[str]]
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    id: str = ""
    question: Callable[[Row], str] = _QUESTION
    options: Callable[[Row], Sequence[str]] = of.no_options
    in_text: bool = False
    answer: Callable[[Row], str | None] = _ANSWER
    kind: Callable[[Row], AnswerKind] = choice
    question_type: Callable[[Row], str] = no_text
    group: Callable[[Row], str] = no_text
    pictures: Callable[[Row], Sequence[object]] = _IMAGES
    video: Callable[[Row], str] = no_text
    places: Sequence[str] = ("",)
    scene: Callable[[Row], str] = no_text
    shared: bool = False
    hidden: Sequence[str] = ()
    made: Callable[[Row], Mapping[str, object]] = of.nothing
    unit: Callable[[Row], str] = no_text
    budget: Sequence[str] = ()
    per_split: Callable[[Row, str], Row] = of.as_it_is


MAPS: Final = (
    FieldMap(
        name="mindcube",
        metric="mindcube",
        stems={
            "tiny": ("MindCube_tinybench", "data/raw/MindCube_tinybench", "raw/MindCube_tinybench"),
            "full": ("MindCube", "data/raw/MindCube", "raw/MindCube"),
        },
        id="id",
        question=of.first_of("input_prompt", "question"),
        options=of.options_in_line("question"),
        in_text=True,
        answer=of.field_of("gt_answer"),
        question_type=mindcube_setting,
        places=("", "data"),
    ),
    FieldMap(
        name="viewspatial",
        metric="viewspatial",
        stems={"test": ("ViewSpatial-Bench",)},
        options=of.lines_of("choices"),
        question_type=of.field_of("question_type"),
        pictures=of.listed("image_path"),
        scene=of.scannet_scene("image_path"),
    ),
    FieldMap(
        name="site",
        metric="site",
        stems={
            "image": ("image_test", "image_test/test"),
            "video": ("video_test", "video_test/test"),
        },
        parts={"test": ("image", "video")},
        options=of.lettered("options", "{}: {}"),
        question_type=of.field_of("category"),
        pictures=rows.site_pictures,
        video=rows.site_video,
        hidden=("dataset", "category"),
    ),
    FieldMap(
        name="3dsrbench",
        metric="3dsrbench",
        stems={
            "circular": ("3dsrbench_v1_vlmevalkit_circular",),
            "flip": ("3dsrbench_v1_vlmevalkit",),
            "raw": ("3dsrbench_v1",),
        },
        id="index",
        options=of.columns("ABCD", "{}. {}"),
        question_type=of.field_of("category"),
        pictures=of.listed("image"),
        shared=True,
        hidden=("qid", "category"),
    ),
    FieldMap(
        name="embspatial",
        metric="embspatial",
        stems={"test": ("embspatial_bench", "test")},
        id="question_id",
        options=of.lettered("answer_options", "{}: {}"),
        answer=of.letter_at("answer"),
        question_type=of.constant("embspatial"),
        group=of.field_of("relation"),
        pictures=of.listed("image"),
        scene=rows.embspatial_scene,
        hidden=("data_source", "relation"),
    ),
    FieldMap(
        name="blink-14",
        metric="blink",
        stems={"val": rows.BLINK_STEMS},
        id="idx",
        question=rows.blink_question,
        options=rows.blink_options,
        question_type=of.field_of("sub_task"),
        pictures=of.several("image_1", "image_2", "image_3", "image_4"),
        hidden=("choices",),
    ),
    FieldMap(
        name="spar",
        metric="spar",
        stems={"test": ("test", "spar_bench"), "tiny": ("tiny", "spar_bench_tiny")},
        id="id",
        kind=rows.spar_kind,
        question_type=of.field_of("task"),
        pictures=of.listed("image"),
        hidden=("task",),
    ),
    FieldMap(
        name="mmsi-video",
        metric="mmsi-video",
        stems={"u50": ("mmsivideo", "test", "MMSIVideo"), "sc": ("mmsivideo", "test", "MMSIVideo")},
        id="id",
        question=rows.mmsi_video_question,
        answer=of.field_of("ground_truth"),
        question_type=of.field_of("type"),
        pictures=rows.mmsi_video_pictures,
        places=("frames", "ref_images", ""),
        hidden=("type",),
        per_split=rows.mmsi_video_budget,
        budget=("u50", "sc"),
    ),
    FieldMap(
        name="omnispatial",
        metric="omnispatial",
        stems={"test": ("data", "test")},
        id="id",
        options=of.lettered("options", "{}. {}"),
        answer=of.letter_at("answer"),
        question_type=of.field_of("sub_task_type"),
        pictures=rows.omnispatial_picture,
        places=("", "OmniSpatial-test"),
        hidden=("task_type", "sub_task_type"),
        per_split=rows.named_by("task_type", "id"),
    ),
    FieldMap(
        name="revsi",
        metric="revsi",
        stems={
            f"{n}_frame": (f"{n}_frame/test", f"{n}_frame", f"test_{n}_frame")
            for n in ("32", "64", "16", "all")
        },
        id="id",
        options=of.strings("options"),
        answer=of.field_of("ground_truth"),
        kind=rows.revsi_kind,
        question_type=of.field_of("question_type"),
        pictures=of.no_pictures,
        video=rows.revsi_video,
        scene=of.field_of("scene_id"),
        unit=rows.revsi_unit,
        budget=("32_frame", "64_frame", "16_frame"),
        per_split=rows.with_split,
    ),
    FieldMap(
        name="refspatial",
        metric="refspatial",
        stems={name: (name, f"{name}/image", name.title()) for name in rows.REFSPATIAL_PARTS},
        parts={"test": rows.REFSPATIAL_PARTS, "seen": rows.REFSPATIAL_PARTS[:2]},
        id="id",
        question=of.joined("prompt", "suffix"),
        answer=of.constant("a point in the mask"),
        kind=rows.pointing,
        question_type=of.field_of("split"),
        pictures=of.listed("image"),
        hidden=("step",),
        made=rows.with_mask,
        per_split=rows.refspatial_part,
    ),
    FieldMap(
        name="robospatial",
        metric="robospatial",
        stems={"test": ("annotations", "robospatial_home", "test")},
        kind=rows.robospatial_kind,
        question_type=of.field_of("category"),
        pictures=of.listed("img"),
        hidden=("category",),
        made=rows.with_size,
    ),
    FieldMap(
        name="erqa",
        metric="erqa",
        stems={"test": ("test", "erqa")},
        id="question_id",
        question=rows.erqa_question,
        options=of.options_in_line("question"),
        in_text=True,
        question_type=of.field_of("question_type"),
        pictures=of.listed("images"),
    ),
    FieldMap(
        name="vsi-super",
        metric="vsi-super",
        stems={
            **{f"recall_{m}mins": (f"recall_{m}mins", "test") for m in (10, 30, 60, 120, 240)},
            **{f"count_{m}mins": (f"count_{m}mins", "test") for m in (10, 30, 60, 120)},
            **{
                f"count_{m}mins_streaming": (f"count_{m}mins_streaming", "test")
                for m in (10, 30, 60, 120)
            },
        },
        options=of.strings("options"),
        kind=rows.super_kind,
        question_type=rows.super_type,
        pictures=of.no_pictures,
        video=of.without_ending("video_path"),
        scene=rows.super_scene,
        hidden=("answers",),
        per_split=rows.of_split,
    ),
    FieldMap(
        name="own",
        metric="own",
        stems={"test": ("questions", "rows", "test")},
        id="id",
        options=own_rows.options,
        answer=own_rows.answer,
        kind=own_rows.kind,
        question_type=own_rows.question_type,
        pictures=own_rows.pictures,
        video=own_rows.video,
        scene=own_rows.scene,
        made=own_rows.made,
        unit=own_rows.unit,
    ),
)
