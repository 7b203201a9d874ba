"""Hand-made rows of the published shapes of `field_maps`, with drawn pictures and films."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PIL import Image

from tests.benchmarks.published import picture, put

Row = Mapping[str, object]


def b64(shade: int) -> str:
    """A picture as base64 text."""
    return base64.b64encode(picture(shade)).decode()


def mask_png() -> str:
    """A mask of 32 by 24 whose left half is in."""
    image = Image.new("L", (32, 24))
    image.paste(255, (0, 0, 16, 24))
    out = io.BytesIO()
    image.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def lines(path: Path, rows: Sequence[Row]) -> None:
    """A file of JSON lines."""
    put(path, "\n".join(map(json.dumps, rows)).encode())


def table(path: Path, rows: Sequence[Row]) -> None:
    """A file with tabs between cells."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter="\t")
    writer.writeheader()
    writer.writerows(rows)
    put(path, out.getvalue().encode())


def mindcube(folder: Path) -> None:
    rows: list[Row] = [
        {
            "id": "among_group101_q0_2_1",
            "category": ["linear", "P-P"],
            "type": "four view",
            "meta_info": [["lamp"]],
            "question": "From image 1, what is left of you? A. Lamp B. Sofa C. Plant",
            "images": ["other_all_image/among/x/front.jpg", "other_all_image/among/x/left.jpg"],
            "gt_answer": "B",
        },
        {
            "id": "rotation_group1_q1",
            "category": [],
            "type": "two view",
            "question": "What is behind you? A. Desk B. Door",
            "input_prompt": "<image>\n<image>\n[Task]\nWhat is behind you? A. Desk B. Door",
            "images": ["other_all_image/rotation/y/1.jpg", "other_all_image/rotation/y/2.jpg"],
            "gt_answer": "A",
        },
        {"id": "among_q9", "question": "Unjudged?", "images": [], "gt_answer": None},
    ]
    lines(folder / "data/raw/MindCube_tinybench.jsonl", rows)
    for k, name in enumerate(("among/x/front", "among/x/left", "rotation/y/1", "rotation/y/2")):
        put(folder / f"data/other_all_image/{name}.jpg", picture(40 * k))


def viewspatial(folder: Path) -> None:
    scan = "ViewSpatial-Bench/scannetv2_val/scene9001_00/original_images"
    rows = [
        {
            "question_type": "Camera perspective - Relative Direction",
            "image_path": [f"{scan}/{k}.jpg"],
            "question": "Where is the lamp from the sofa?",
            "answer": "B. left",
            "choices": "A. right\nB. left",
        }
        for k in (40, 80)
    ]
    rows[1]["image_path"] = [f"{scan}/80.jpg", f"{scan}/40.jpg"]
    rows.append({**rows[0], "image_path": ["ViewSpatial-Bench/val2017/1.jpg"]})
    put(folder / "ViewSpatial-Bench.json", json.dumps(rows).encode())
    for k, name in enumerate((f"{scan}/40", f"{scan}/80", "ViewSpatial-Bench/val2017/1")):
        put(folder / f"{name}.jpg", picture(50 * k))


def site(folder: Path) -> None:
    row = {"answer": "A", "options": ["four", "five"], "dataset": "blink"}
    images = [
        {
            **row,
            "question": "<image> and <image>: how many?",
            "visual": ["img/a.jpg", "img/b.jpg"],
            "category": "counting & existence",
        }
    ]
    videos = [
        {
            **row,
            "question": "Which way?",
            "visual": ["videos/c.mp4"],
            "category": "movement prediction & navigation",
            "options": ["left", "right", "up"],
        }
    ]
    lines(folder / "image_test.jsonl", images)
    lines(folder / "video_test.jsonl", videos)
    put(folder / "img/a.jpg", picture(1))
    put(folder / "img/b.jpg", picture(60))
    for k in range(5):
        put(folder / f"videos/c/{k}.jpg", picture(30 * k))


def threedsr(folder: Path) -> None:
    row = {"question": "Which is higher?", "category": "height_higher", "image_source": "MS-COCO"}
    names = ("K7QW2ABC", "K7QW2ABC-1", "K7QW2ABC-flip", "K7QW2ABC-flip-1")
    rows = [
        {
            "index": k,
            "qid": name,
            **row,
            "A": "the cup" if k % 2 == 0 else "the jar",
            "B": "the jar" if k % 2 == 0 else "the cup",
            "C": "",
            "D": "",
            "answer": "AB"[k % 2],
            "image": b64(90 if "flip" in name else 20),
        }
        for k, name in enumerate(names)
    ]
    table(folder / "3dsrbench_v1_vlmevalkit_circular.tsv", rows)


def embspatial(folder: Path) -> None:
    rows: list[Row] = [
        {
            "question_id": f"{source}_7",
            "data_source": source,
            "scene_id": "scene9002_00" if source == "scannet" else "X",
            "relation": "close",
            "question": "Which is closest?",
            "image": b64(k),
            "answer_options": ["chair", "bed", "lamp", "sink"],
            "answer": 2,
            "objects": [{"name": "lamp", "bbox": [1, 2, 3, 4]}],
        }
        for k, source in enumerate(("mp3d", "scannet"))
    ]
    put(folder / "embspatial_bench.json", json.dumps(rows).encode())


def blink(folder: Path) -> None:
    from surveyor.benchmarks.loaders.published_rows import BLINK_TASKS

    for k, name in enumerate(BLINK_TASKS):
        row = {
            "idx": f"val_{name}_1",
            "sub_task": name,
            "question": "Which one?",
            "prompt": "Look. Which one?\n(A) the first\n(B) the second",
            "choices": ["the first", "the second"],
            "answer": "(A)",
            "image_1": f"images/{name}.jpg",
            "image_2": None,
        }
        lines(folder / f"{name}_val.jsonl", [row])
        put(folder / f"images/{name}.jpg", picture(10 * k))


def spar(folder: Path) -> None:
    asked = (
        ("depth_prediction_oo_mv", "1.7", 2),
        ("position_matching", "B", 1),
        ("view_change_infer", "move_right:1,rotate_left:20", 2),
    )
    rows = [
        {
            "id": f"s_{k}",
            "task": task,
            "img_type": "multi_view" if n > 1 else "single_view",
            "image": [b64(20 * k + i) for i in range(n)],
            "question": "How far is it?",
            "answer": answer,
        }
        for k, (task, answer, n) in enumerate(asked)
    ]
    lines(folder / "test.jsonl", rows)


def mmsi_video(folder: Path) -> None:
    clips = [[f"a/{k}.jpg" for k in range(60)], ["b/0.jpg"]]
    row = {
        "id": "question_0042",
        "type": "(Motion Understanding) Camera Motion",
        "frames_list": clips,
        "ref_images": ["r.jpg"],
        "system_prompt": "You see clips.",
        "task_prompt": "Answer.",
        "user_prompt": "First <video> then <video> and this: <image>. Where to?",
        "format_prompt": " One letter.",
        "options": ["A. left", "B. right"],
        "ground_truth": "B",
    }
    put(folder / "mmsivideo.json", json.dumps([row]).encode())
    for name in (name for clip in clips for name in clip):
        put(folder / "frames" / name, picture(sum(map(ord, name))))
    put(folder / "ref_images/r.jpg", picture(200))


def omnispatial(folder: Path) -> None:
    rows = [
        {
            "id": "15_1",
            "question": "Which way is the car going?",
            "options": ["left", "right"],
            "answer": 0,
            "task_type": family,
            "sub_task_type": task,
        }
        for family, task in (
            ("Perspective_Taking", "Egocentric"),
            ("Dynamic_Reasoning", "Motion_Analysis"),
        )
    ]
    put(folder / "data.json", json.dumps(rows).encode())
    for row in rows:
        put(folder / f"{row['task_type']}/15.png", picture(70, ".png"))


def revsi(folder: Path) -> None:
    row = {"id": 1, "scene_id": "scene9001_00", "num_frames": 32, "options": None}
    rows = [
        {
            **row,
            "question_type": "object_counting_single",
            "question": "How many chairs?",
            "ground_truth": "3",
        },
        {
            **row,
            "id": 2,
            "question_type": "route_planning",
            "question": "Which way?",
            "options": ["A. left", "B. right"],
            "ground_truth": "B",
        },
    ]
    lines(folder / "32_frame.jsonl", rows)
    for k in range(4):
        put(folder / f"32_frame/scene9001_00/{k}.jpg", picture(40 * k))


def refspatial(folder: Path) -> None:
    for k, split in enumerate(("location", "placement", "unseen")):
        row = {
            "id": 1,
            "image": b64(k),
            "mask": mask_png(),
            "object": "the free spot",
            "prompt": "Point to the free spot.",
            "suffix": "Answer as [(x, y)].",
            "step": 2,
        }
        lines(folder / f"{split}.jsonl", [row])


def robospatial(folder: Path) -> None:
    rows = [
        {"category": "compatibility", "question": "Does it fit? Yes or no.", "answer": "yes"},
        {
            "category": "context",
            "question": "Pinpoint a free spot. Your answer should be a list of tuples.",
            "answer": "[(0, 0), (0.5, 0), (0.5, 1), (0, 1)]",
        },
    ]
    lines(folder / "annotations.jsonl", [{**row, "img": "images/a.png"} for row in rows])
    put(folder / "images/a.png", picture(9, ".png"))


def erqa(folder: Path) -> None:
    row = {
        "question_id": "ERQA_1",
        "question": "Look at this. And this. Which? A. First B. Second",
        "question_type": "Spatial Reasoning",
        "images": [b64(1), b64(80)],
        "visual_indices": [0, 14],
        "answer": "B",
    }
    lines(folder / "test.jsonl", [row])


def vsi_super(folder: Path) -> None:
    row = {"video_path": "10mins/00000000.mp4", "question": "In which order?"}
    recall = {**row, "options": ["A. bed, lamp", "B. lamp, bed"], "answer": "B", "type": "10mins"}
    lines(folder / "recall_10mins.jsonl", [recall])
    count = {**row, "answer": 27.0, "split": "10mins", "query_times": None, "answers": None}
    lines(folder / "count_10mins.jsonl", [count, {**count, "split": "30mins"}])
    running = {**row, "answer": None, "split": "10mins_streaming", "answers": [1, 2]}
    lines(folder / "count_10mins_streaming.jsonl", [running])
    for k in range(3):
        put(folder / f"10mins/00000000/{k}.jpg", picture(40 * k))


MAKE: Mapping[str, Callable[[Path], None]] = {
    "mindcube": mindcube,
    "viewspatial": viewspatial,
    "site": site,
    "3dsrbench": threedsr,
    "embspatial": embspatial,
    "blink-14": blink,
    "spar": spar,
    "mmsi-video": mmsi_video,
    "omnispatial": omnispatial,
    "revsi": revsi,
    "refspatial": refspatial,
    "robospatial": robospatial,
    "erqa": erqa,
    "vsi-super": vsi_super,
}


def download_2026(name: str, folder: Path) -> Path:
    """What a user has of a benchmark after downloading it."""
    source = folder / f"{name}-files"
    MAKE[name](source)
    return source
