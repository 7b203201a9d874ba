"""BLEU, ROUGE-L and CIDEr: the tokenizer always, the scores where pycocoevalcap is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.predictions import caption_figures
from surveyor.benchmarks.scorers.captions import CaptionScore, caption_scores, tokenize
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scorers.scan_captions import rouge_l
from surveyor.cli.score import app as score_app
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.truth import targets
from tests.benchmarks.published import download
from tests.claims.benchmarks.predictors import perfect, score_dataset, silent

REFERENCES = {
    "q1": ["a brown wooden chair", "the chair is brown"],
    "q2": ["on the left side of the bed"],
    "q3": ["two black office chairs near the window"],
}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The chair's brown, isn't it?", "the chair 's brown is n't it"),
        ("L-shaped couch (2.5 m)", "l-shaped couch -lrb- 2.5 m -rrb-"),
        ("10:30 o'clock; can't", "10:30 o'clock ca n't"),
        ("TV/monitor... “left”", "tv/monitor left"),
        ("Mr. Smith's U.S. flag cannot", "mr. smith 's u.s. flag can not"),
        ("3d", "3d"),
        (" ?! \n", "?!"),
        ("", ""),
    ],
)
def test_tokens_are_those_of_the_treebank_without_punctuation(text: str, tokens: str) -> None:
    assert tokenize(text) == tokens


def by_name(scores: tuple[CaptionScore, ...]) -> dict[str, CaptionScore]:
    return {score.name: score for score in scores}


def test_verbatim_references_are_perfect_and_empty_replies_are_nothing() -> None:
    pytest.importorskip("pycocoevalcap.cider.cider")
    perfect = by_name(caption_scores(REFERENCES, {k: refs[0] for k, refs in REFERENCES.items()}))
    assert list(perfect) == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr"]
    for name in ("BLEU-1", "BLEU-4", "ROUGE-L"):
        assert perfect[name].overall == pytest.approx(1.0, abs=1e-6)
    assert perfect["CIDEr"].rows["q2"] == pytest.approx(10.0, abs=1e-6)
    for score in caption_scores(REFERENCES, {}):
        assert score.overall == pytest.approx(0.0, abs=1e-6)


def test_a_missing_row_counts_as_an_empty_reply() -> None:
    pytest.importorskip("pycocoevalcap.rouge.rouge")
    (score,) = caption_scores(REFERENCES, {"q2": REFERENCES["q2"][0]}, metrics=("ROUGE-L",))
    assert score.overall == pytest.approx(1 / 3)
    assert score.rows == {"q1": 0.0, "q2": 1.0, "q3": 0.0}


def test_replies_to_other_rows_are_refused() -> None:
    with pytest.raises(UserError, match="'q9'"):
        caption_scores(REFERENCES, {"q9": "a chair"})


def test_without_the_library_the_user_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pycocoevalcap.rouge.rouge", None)
    with pytest.raises(UserError, match=r"\.\[captions\]"):
        caption_scores(REFERENCES, {}, metrics=("ROUGE-L",))


@pytest.mark.parametrize("said", ["a brown chair", "the chair", "two office chairs", "", "bed"])
def test_rouge_of_a_row_is_the_librarys(said: str) -> None:
    pytest.importorskip("pycocoevalcap.rouge.rouge")
    for references in REFERENCES.values():
        (wanted,) = caption_scores({"q": references}, {"q": said}, ("ROUGE-L",))
        assert rouge_l(said, references) == pytest.approx(wanted.overall, abs=1e-9)


def test_scan2cap_counts_a_caption_where_its_box_fits(tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    loader_named("scan2cap").load(download("scanrefer", tmp_path), out, frames=FrameRule())
    best = score_dataset(out, "scan2cap", perfect)
    assert best.headline == pytest.approx(100.0)
    assert best.counts.failed == best.counts.incomplete == 0
    assert score_dataset(out, "scan2cap", silent).headline == 0.0
    row = {"gt_aabb": [[0, 0, 0], [1, 1, 1]], "references": ["a brown chair"]}
    for shift, hits in ((0.0, (1.0, 1.0)), (0.4, (0.0, 1.0)), (0.7, (0.0, 0.0))):
        box = [[shift, 0, 0], [1 + shift, 1, 1]]
        said = {"text": "a brown chair", "box": box}
        values = metric_named("scan2cap").score({**row, "pred_caption": said}).values
        assert (values["rouge_l_at_0.5"], values["rouge_l_at_0.25"]) == pytest.approx(hits)
    for wrong in (
        None,
        "a brown chair",
        {"text": "a brown chair"},
        {"box": [[0, 0, 0], [1, 1, 1]]},
    ):
        assert metric_named("scan2cap").score({**row, "pred_caption": wrong}).failure


def test_captions_of_a_file_count_where_their_boxes_fit(tmp_path: Path) -> None:
    pytest.importorskip("pycocoevalcap.cider.cider")
    out, file = tmp_path / "dataset", tmp_path / "said.jsonl"
    loader_named("scan2cap").load(download("scanrefer", tmp_path), out, frames=FrameRule())
    lines = []
    for number, target in enumerate(targets(out)):
        payload: dict[str, Any] = target.payload
        low, high = np.array(payload["gt_aabb"])
        low[0] = high[0] - (0.4 if number == 0 else 0.6) * (high[0] - low[0])  # the IoU
        said = {"text": payload["references"][0], "box": [low.tolist(), high.tolist()]}
        lines.append(json.dumps({"id": target.task_id, "prediction": said}))
    file.write_text("\n".join(lines))
    result = CliRunner().invoke(score_app, [str(out), str(file), "--captions", "--json"])
    figures = json.loads(result.stdout)
    assert figures["ROUGE-L@0.25"] == pytest.approx(100)
    assert figures["ROUGE-L@0.5"] == pytest.approx(100 * (1 - 1 / len(lines)))
    with pytest.raises(UserError, match="'nobody'"):
        caption_figures(out, ['{"id": "nobody", "prediction": "a chair"}'])
