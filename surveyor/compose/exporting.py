"""An episode as files to send: its scene, or one page with everything in it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import numpy as np
from fastapi import HTTPException

from surveyor.compose.run import default_cache
from surveyor.core.errors import UserError
from surveyor.core.geometry import OrientedBox
from surveyor.memory.episodes import Episode
from surveyor.memory.runs import RunFolder
from surveyor.tools.geometry.kept import KeptGeometry
from surveyor.viewer.api import RunLibrary
from surveyor.viewer.drawing import picture
from surveyor.viewer.episode_view import scene_json
from surveyor.viewer.export import glb as as_glb
from surveyor.viewer.export import ply as as_ply
from surveyor.viewer.export import points_of
from surveyor.viewer.finding import finding, measure_text
from surveyor.viewer.rrd import check_rerun, write_rrd
from surveyor.viewer.text import episode_text, named_episode

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}img{max-width:100%;border-radius:.5rem}pre{white-space:pre-wrap;"
    "overflow-wrap:anywhere}"
)


def export_episode(
    folder: RunFolder,
    name: str,
    *,
    ply: Path | None = None,
    glb: Path | None = None,
    html: Path | None = None,
    rrd: Path | None = None,
) -> Iterator[Path]:
    """Write what is wanted and give each path; `UserError` where the run kept no geometry, and
    for a recording without the extra ``rerun``."""
    if rrd is not None:
        check_rerun()
    task, epoch = named_episode(folder, name)
    episode = folder.episode(task, epoch)
    if episode is None:
        raise UserError(f"{task} has not begun in {folder.path}")
    library = RunLibrary({"run": folder}, default_cache())
    if html is not None:
        html.write_text(page_of(folder, name, episode, library))
        yield html
    if ply is None and glb is None and rrd is None:
        return
    told = scene_json(episode)
    space = next((s for s in reversed(told["spaces"]) if s["geometry"]), None)
    if space is None:
        raise UserError(f"{task} kept no reconstruction, so there is no scene to write")
    kept = KeptGeometry.model_validate_json(library.blob("run", space["geometry"]))
    points = points_of(kept, library.blob("run", kept.cloud.sha256))
    if ply is not None:
        ply.write_bytes(as_ply(points))
        yield ply
    boxes = [
        (
            f"{o['handle']} {o['category']}",
            OrientedBox.model_validate({k: o[k] for k in ("center", "size", "axes") if o[k]}),
        )
        for o in space["objects"]
    ]
    ends = [np.array(segment["points"]) for segment in space["segments"]]
    if glb is not None:
        cameras = [np.array(view.T_world_camera) for view in kept.views]
        glb.write_bytes(as_glb(points, boxes, cameras, ends))
        yield glb
    if rrd is not None:
        write_rrd(rrd, task, kept, points, boxes, ends, _photos(episode, library))
        yield rrd


def _photos(episode: Episode, library: RunLibrary) -> Callable[[str], bytes | None]:
    """The photos' bytes by frame handle; ``None`` for those that are gone."""
    hashes = {f"frame_{k}": sha256 for k, sha256 in enumerate(episode.started.frames)}

    def photo(frame: str) -> bytes | None:
        try:
            return library.blob("run", hashes[frame])
        except (HTTPException, UserError, KeyError):  # no reason to fail over one picture
            return None

    return photo


def page_of(folder: RunFolder, name: str, episode: Episode, library: RunLibrary) -> str:
    """One file without scripts or anything from outside: answer, picture, steps, evidence."""
    found = finding(episode)
    drawn = picture(
        episode,
        _photos(episode, library),
        lambda sha256: library.blob("run", sha256),
        measure_text(found.answer),
    )
    image = ""
    if drawn is not None:
        data = base64.b64encode(drawn).decode()
        image = f'<p><img alt="What the answer rests on" src="data:image/jpeg;base64,{data}"></p>'
    text = "\n".join(episode_text(folder, name))
    lines = "".join(f"<p>{escape(line)}</p>" for line in found.lines)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(found.question[:120])}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(found.question)}</h1>{lines}{image}<pre>{escape(text)}</pre></body></html>\n"
    )
