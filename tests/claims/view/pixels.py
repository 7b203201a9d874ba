"""From answers to pixels: how many chains reach them, and whether they are the right ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from surveyor.core.masks import decode_rle
from surveyor.memory.evidence import chain
from surveyor.scenes.datasets.truth import frame_maps, load_truth
from tests.claims.claim import Claim
from tests.claims.view.rooms import answered


def evidence() -> Iterator[Claim]:
    """Shares of answers whose chain reaches frames and outlines, and of mask pixels that belong to
    an object of the category that they are said to show."""
    dataset, folder = answered()
    frames = outlines = total = 0
    shares = []
    for task, epoch in folder.scheduled():
        episode = folder.episode(task.id, epoch)
        if episode is None or episode.given is None or episode.given.guess:
            continue
        links = chain(episode)
        total += 1
        frames += links.reaches_frames
        outlines += links.reaches_outlines
        truth = load_truth(dataset, task.scene_id)
        names = {o.instance_id: o.category for o in truth.objects}
        for node in links.of("mask")[:4]:
            mask = node.row["mask"]
            assert isinstance(mask, dict)
            index = int(str(node.row["frame"]).rpartition("_")[2])
            ids = frame_maps(dataset, task.scene_id, index).ids
            inside = decode_rle((ids.shape[0], ids.shape[1]), str(mask["counts"]))
            right = [k for k, name in names.items() if name == node.row["category"]]
            shares.append(float(np.isin(ids[inside], right).mean()))
    yield Claim.at_least("answers whose chain reaches frames", frames / total, 0.99, f"n {total}")
    note = "room sizes rest on the reconstruction alone"
    yield Claim.at_least("answers whose chain reaches boxes or masks", outlines / total, 0.95, note)
    told = f"{len(shares)} masks"
    yield Claim.at_least(
        "highlighted pixels of the asked category", float(np.mean(shares)), 0.95, told
    )
