"""`surveyor skills` as a newcomer types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SURVEYOR = [sys.executable, "-m", "surveyor.cli.main", "skills"]


def surveyor(*words: object) -> subprocess.CompletedProcess[str]:
    command = [*SURVEYOR, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_reading_where_there_is_no_library_shows_the_seeds_and_makes_nothing(
    tmp_path: Path,
) -> None:
    done = surveyor("list", "--library", tmp_path / "nowhere")
    assert done.returncode == 0
    assert "count-objects-across-views" in done.stdout
    assert "no library at" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_people_mistype_is_answered_in_one_sentence(tmp_path: Path) -> None:
    library, file = tmp_path / "library", tmp_path / "file"
    file.write_text("")
    for words, said in (
        (("list", "--library", file), "a library is a folder"),
        (("snapshot", "--library", file), "a library is a folder"),
        (
            ("show", "count-objects-views", "--library", library),
            "mean 'count-objects-across",
        ),
        (("show", "nonsense", "--library", library), "no skill named nonsense"),
        (("gate", "few-views-voted", "--dataset", file, "--library", library), "holds no dataset"),
        (("report", "--leave-one-out", "--library", library), "give --dataset"),
    ):
        done = surveyor(*words)
        assert done.returncode == 2, words
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_skill_that_was_retired_and_trusted_by_hand_is_reported(tmp_path: Path) -> None:
    chosen = ("few-views-voted", "--library", tmp_path)
    assert surveyor("retire", *chosen, "--reason=").returncode == 2
    assert surveyor("retire", *chosen, "--reason", "a trial").returncode == 0
    assert surveyor("trust", *chosen, "--reason", "it was a trial").returncode == 0
    assert "active already" in surveyor("trust", *chosen, "--reason", "again").stderr
    report = surveyor("report", "--library", tmp_path).stdout
    assert "few-views-voted@" in report
    assert "never judged" in report
    assert "lesson: " in report
