"""From a fresh clone to an answer about one's own photos: three commands, each said by the last."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2

from surveyor.compose.hand_memory import keep_joined
from surveyor.compose.place import open_place
from surveyor.core.blobs import BlobStore
from tests.support.box_room import BoxRoom
from tests.viewer.box_experts import joined, photo_files
from tests.viewer.test_places import marked

ROOT = Path(__file__).parents[2]


def test_three_commands_each_said_by_the_one_before(tmp_path: Path) -> None:
    first = "make ask"
    assert first in (ROOT / "README.md").read_text()
    done = ["make", "-n", "--assume-old=.venv/.installed", "ask"]
    told = subprocess.run(done, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    second = re.search(r"surveyor ask PHOTOS \"([^\"]+)\"", told)
    assert second is not None

    room = BoxRoom(BlobStore(tmp_path / "room"))
    photo_files(room, tmp_path / "photos")
    asked = _surveyor(tmp_path, "ask", "photos", second[1])
    assert asked.returncode == 2
    third = re.search(r"`surveyor (view --ask)`", asked.stderr)
    assert third is not None, asked.stderr

    # OpenCV is not part of the test environment: the cameras are those that it would find.
    keep_joined(open_place(tmp_path / "out" / "places", "photos"), joined(room))
    command = [sys.executable, "-m", "surveyor.cli.main", *third[1].split()]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as viewer:
        try:
            assert viewer.stdout is not None
            address = viewer.stdout.readline().strip()
            points, known = marked(room)
            with httpx2.Client(timeout=120) as client:
                entered = client.get(address, follow_redirects=True)
                assert entered.status_code == 200
                home = address.partition("/places")[0]
                body = {"question": second[1], "points": points, "known": [known]}
                same = {"sec-fetch-site": "same-origin"}
                kept = client.post(f"{home}/api/place/photos/ask", json=body, headers=same).json()
                page = client.get(f"{home}/api/place/photos").json()
            assert kept == {"id": "hand-1"}
            assert page["answers"][0]["sentence"].startswith("About 1.8 m")
        finally:
            viewer.send_signal(signal.SIGINT)


def _surveyor(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "surveyor.cli.main", *arguments]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
