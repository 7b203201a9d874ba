"""Published splits of ScanRefer and SQA3D."""

from __future__ import annotations

import pytest

from surveyor.benchmarks.scorers.groups import ReferredObject, sqa3d_group, unique_or_multiple

CLASS_OF = {"office chair": "chair", "armchair": "chair", "desk": "desk", "monitor": "otherprop"}


def test_unique_means_alone_in_its_class_among_the_referred_objects_of_its_scene() -> None:
    referred = [
        ReferredObject("s1", "1", "office_chair"),
        ReferredObject("s1", "1", "office_chair"),  # a second description of the same object
        ReferredObject("s1", "2", "desk"),
        ReferredObject("s1", "3", "monitor"),
        ReferredObject("s1", "4", "never heard of"),
        ReferredObject("s2", "1", "office_chair"),
        ReferredObject("s2", "5", "armchair"),
    ]
    assert unique_or_multiple(referred, CLASS_OF) == {
        ("s1", "1"): "unique",
        ("s1", "2"): "unique",
        ("s1", "3"): "multiple",
        ("s1", "4"): "multiple",
        ("s2", "1"): "multiple",
        ("s2", "5"): "multiple",
    }


@pytest.mark.parametrize(
    ("question", "group"),
    [
        ("What is behind me?", "what"),
        ("is it on?", "is"),
        ("How many", "how"),
        ("Can I sit?", "can"),
        ("Which way", "which"),
        ("Where is it?", "other"),
        ("", "other"),
    ],
)
def test_sqa3d_groups_by_the_first_word(question: str, group: str) -> None:
    assert sqa3d_group(question) == group
