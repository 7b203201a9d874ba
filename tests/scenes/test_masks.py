"""COCO masks: the published bytes of known masks, round trips of any mask, damaged input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError

from surveyor.core.masks import decode_rle, encode_rle, id_boxes, mask_box, rle_area
from surveyor.services.contract import Mask as WireMask

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(arrays.arrays(np.bool_, SHAPES))
def test_any_mask_survives_the_round_trip(mask):
    size, counts = encode_rle(mask)
    assert size == mask.shape
    assert np.array_equal(decode_rle(size, counts), mask)
    assert rle_area(counts) == mask.sum()


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 10**9))
def test_masks_of_long_runs_survive_the_round_trip(height, width, seed):
    rng = np.random.default_rng(seed)
    top, left = rng.integers(0, height), rng.integers(0, width)
    mask = np.zeros((height, width), bool)
    mask[top : top + rng.integers(1, 200), left : left + rng.integers(1, 200)] = True
    assert np.array_equal(decode_rle(*encode_rle(mask)), mask)


def _reference_counts(mask: np.ndarray) -> str:
    """The published algorithm, one number and one bit group at a time."""
    runs, value, length = [], False, 0
    for pixel in mask.T.ravel():
        if bool(pixel) is value:
            length += 1
        else:
            runs.append(length)
            value, length = bool(pixel), 1
    runs.append(length)
    text = ""
    for i, run in enumerate(runs):
        x = run - runs[i - 2] if i > 2 else run
        more = True
        while more:
            group = x & 0x1F
            x >>= 5
            more = x != -1 if group & 0x10 else x != 0
            text += chr((group | 0x20 if more else group) + 48)
    return text


@given(arrays.arrays(np.bool_, SHAPES))
def test_counts_equal_the_published_algorithm_step_by_step(mask):
    assert encode_rle(mask)[1] == _reference_counts(mask)


@pytest.mark.parametrize(
    ("size", "counts"),
    [
        ((2, 2), "1"),
        ((2, 2), "P"),
        ((2, 2), ""),
        ((2, 2), "é"),
        ((1, 1), "ooooooooo0"),
        ((2, 2), "~"),
    ],
)
def test_damaged_counts_are_refused(size, counts):
    with pytest.raises(ValueError, match="mask"):
        decode_rle(size, counts)


@given(st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=30))
def test_random_counts_decode_or_raise_value_error(counts):
    try:
        mask = decode_rle((4, 5), counts)
    except ValueError:
        return
    assert mask.shape == (4, 5)


def test_box_covers_whole_pixels():
    mask = np.zeros((6, 8), bool)
    assert mask_box(mask) is None
    mask[2:4, 3] = True
    assert mask_box(mask) == (2.5, 1.5, 3.5, 3.5)


def test_one_stack_only():
    with pytest.raises(ValueError, match="shape"):
        encode_rle(np.zeros((1, 2, 2), bool))


@given(arrays.arrays(np.int32, SHAPES, elements=st.integers(-1, 5)))
def test_boxes_of_ids_agree_with_the_boxes_of_their_masks(ids):
    expected = [
        (int(i), int((ids == i).sum()), mask_box(ids == i)) for i in np.unique(ids) if i > 0
    ]
    assert id_boxes(ids) == expected


@pytest.mark.parametrize(
    ("size", "counts"),
    [
        ((10, 10), ""),
        ((10, 10), "T4"),
        ((10, 10), "0T3o"),
        ((-10, -10), "T3"),
        ((100_000, 100_000), "PPPPPPPPPPPPPPPPPP1"),
        ((10, 10), "\u00ff"),
    ],
)
def test_a_mask_of_no_image_is_refused_on_the_wire(size, counts):
    with pytest.raises(ValidationError, match="mask"):
        WireMask(size=size, counts=counts)
    assert WireMask(size=(10, 10), counts="T3").counts == "T3"
