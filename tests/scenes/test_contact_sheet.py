"""Contact sheets show every scene of a dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surveyor.core.errors import UserError
from surveyor.scenes.datasets.contact_sheet import (
    CAPTION,
    CELL,
    contact_sheet,
    depth_colours,
    id_colours,
)
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset


def test_a_sheet_has_a_row_a_scene_and_refuses_unknown_ones(tmp_path: Path) -> None:
    settings = RoomsSettings(n_frames=5, size=(128, 96), light_rays=1, balance=False)
    make_rooms_dataset(tmp_path / "dataset", [5], settings=settings)
    contact_sheet(tmp_path / "dataset", tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape == (CELL[1] + CAPTION, 4 * CELL[0], 3)
    for column in range(4):
        cell = sheet[CAPTION : CAPTION + 60, column * CELL[0] : column * CELL[0] + 90]
        assert len(np.unique(cell.reshape(-1, 3), axis=0)) > 5
    with pytest.raises(UserError, match="no scene 'attic'"):
        contact_sheet(tmp_path / "dataset", tmp_path / "other.png", ["attic"])
    assert not (tmp_path / "other.png").exists()
    with pytest.raises(UserError, match=r"ends in \.png or \.jpg"):
        contact_sheet(tmp_path / "dataset", tmp_path / "new" / "sheet.xyz")
    assert not (tmp_path / "new").exists()


def test_colours_tell_depths_and_neighbouring_ids_apart() -> None:
    depth = np.array([[0, 1.0, 2.0, 4.0]], np.float32)
    assert depth_colours(depth)[0, 0].tolist() == [0, 0, 0]
    assert len(np.unique(depth_colours(depth)[0], axis=0)) == 4
    colours = id_colours(np.arange(40, dtype=np.int32)[None])[0].astype(int)
    assert colours[0].tolist() == [0, 0, 0]
    steps = np.abs(np.diff(colours[1:], axis=0)).max(axis=1)
    assert steps.min() > 60
