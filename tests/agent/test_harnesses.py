"""Inside other harnesses: their contracts, their real base classes where they are installed."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.interop import lmms_eval, vlmevalkit
from surveyor.agent.interop.answerer import Answerer, Clip, HarnessItem, as_task, store_picture
from surveyor.agent.limits import Limits
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.images import opened
from tests.support import films, pictures
from tests.support.agent_stage import png
from tests.support.films import film
from tests.support.openai_server import RehearsalServer, Reply, Request, fails, in_order, says
from tests.support.pictures import oriented


def echo(request: Request) -> Reply:
    """Answers with how many images it saw and the last word it was told."""
    content = request.json["messages"][-1]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    images = sum(part["type"] == "image_url" for part in parts)
    text = next(p["text"] for p in reversed(parts) if p["type"] == "text")
    return says(f"<answer>{images} {text.split()[-1]}</answer>")


def test_questions_are_answered_in_order_and_word_for_word(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png((1, 2, 3)))
    picture = Image.new("RGB", (8, 8))
    questions = [
        HarnessItem("first?", (file, picture)),
        HarnessItem("second?"),
        HarnessItem("third?"),
    ]
    with RehearsalServer(echo) as server:
        answerer = Answerer(ChatConfig(model="m", base_url=server.url), tmp_path / "run")
        assert answerer.answer(questions) == ["2 first?", "0 second?", "0 third?"]
    assert len(list((tmp_path / "run" / "episodes").iterdir())) == 3
    assert "tools" not in server.requests[0].json


def test_an_unreachable_model_is_no_wrong_answer(tmp_path: Path) -> None:
    with RehearsalServer(in_order([fails(500)])) as server:
        config = ChatConfig(model="m", base_url=server.url, attempts=1)
        with pytest.raises(InfrastructureError):
            Answerer(config, tmp_path).answer([HarnessItem("?")])


def test_a_model_that_never_answers_gets_an_empty_answer(tmp_path: Path) -> None:
    with RehearsalServer(in_order([says("")])) as server:
        config = ChatConfig(model="m", base_url=server.url)
        answerer = Answerer(config, tmp_path, limits=Limits(mistakes=2))
        assert answerer.answer([HarnessItem("?")]) == [""]


def test_images_keep_their_bytes_and_nonsense_is_refused(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    buffer = io.BytesIO()
    Image.new("RGB", (5, 4)).save(buffer, "JPEG")
    ref = store_picture(buffer.getvalue(), blobs)
    assert (ref.media_type, ref.width, ref.height) == ("image/jpeg", 5, 4)
    assert blobs.get(ref.sha256) == buffer.getvalue()
    with pytest.raises(UserError, match="not an image"):
        store_picture(b"hello", blobs)


class VlmevalContract:
    """VLMEvalKit's calling convention: `generate` checks, then calls `generate_inner`."""

    def generate(self, message: Any, dataset: Any = None) -> str:
        assert all(item["type"] in self.allowed_types for item in message)  # type: ignore[attr-defined]
        return str(self.generate_inner(message, dataset))  # type: ignore[attr-defined]


@pytest.fixture(params=["contract", "installed"])
def vlmeval_base(request: pytest.FixtureRequest) -> type[Any]:
    if request.param == "contract":
        return VlmevalContract
    module: Any = pytest.importorskip("vlmeval.vlm.base", reason="VLMEvalKit is not installed")
    base: type[Any] = module.BaseModel
    return base


def test_vlmevalkits_contract(tmp_path: Path, vlmeval_base: type[Any]) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png((1, 2, 3)))
    message = [{"type": "image", "value": str(file)}, {"type": "text", "value": "which colour?"}]
    with RehearsalServer(echo) as server:
        kind = vlmevalkit.wrap(vlmeval_base)
        model = kind("m", folder=str(tmp_path / "run"), base_url=server.url)
        assert model.generate(message=message, dataset="MMSIBench_wo_circular") == "1 colour?"
        # As the kit's own loop for API models calls it: from several threads at once.
        with ThreadPoolExecutor(4) as pool:
            said = pool.map(lambda word: model.generate([_text(word)]), ["one", "two", "three"])
        assert list(said) == ["0 one", "0 two", "0 three"]
    assert kind.is_api
    assert kind.INTERLEAVE


def _text(word: str) -> dict[str, str]:
    return {"type": "text", "value": word}


class LmmsContract:
    """lmms-eval's calling convention: the task's documents are hung onto the model."""

    def __init__(self) -> None:
        self.task_dict: dict[str, Any] = {}


@pytest.fixture(params=["contract", "installed"])
def lmms_base(request: pytest.FixtureRequest) -> type[Any]:
    if request.param == "contract":
        return LmmsContract
    module: Any = pytest.importorskip("lmms_eval.api.model", reason="lmms-eval is not installed")
    base: type[Any] = module.lmms
    return base


def test_lmms_evals_contract(tmp_path: Path, lmms_base: type[Any]) -> None:
    def messages_of(doc: dict[str, Any]) -> list[dict[str, Any]]:
        image = {"type": "image", "url": Image.new("RGB", (8, 8))}
        return [{"role": "user", "content": [image, {"type": "text", "text": doc["q"]}]}]

    documents = {"vsi": {"test": [{"q": "how many?"}, {"q": "how far?"}]}}
    requests = [
        SimpleNamespace(args=("", messages_of, {}, doc_id, "vsi", "test")) for doc_id in (1, 0)
    ]
    with RehearsalServer(echo) as server:
        kind = lmms_eval.wrap(lmms_base)
        model = kind("m", folder=str(tmp_path), base_url=server.url, batch_size=1)
        model.task_dict = documents
        assert kind.is_simple is False
        assert model.generate_until(requests) == ["1 far?", "1 many?"]
    with pytest.raises(NotImplementedError):
        model.loglikelihood([])


def _asking(*contents: list[dict[str, Any]]) -> tuple[dict[str, Any], list[Any]]:
    """Documents and requests of a batch whose messages are these."""
    documents = {"vsi": {"test": list(contents)}}
    requests = [
        SimpleNamespace(args=("", _as_they_are, {}, doc_id, "vsi", "test"))
        for doc_id in range(len(contents))
    ]
    return documents, requests


def _as_they_are(doc: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": doc}]


def test_equal_questions_are_answered_each(tmp_path: Path, lmms_base: type[Any]) -> None:
    image = {"type": "image", "url": Image.new("RGB", (8, 8))}
    documents, requests = _asking(*[[image, {"type": "text", "text": "left?"}]] * 3)
    with RehearsalServer(echo) as server:
        model = lmms_eval.wrap(lmms_base)("m", folder=str(tmp_path), base_url=server.url)
        model.task_dict = documents
        assert model.generate_until(requests) == ["1 left?"] * 3
        assert model.generate_until(requests[:1]) == ["1 left?"]
        with ThreadPoolExecutor(4) as pool:
            said = list(pool.map(lambda request: model.generate_until([request]), requests))
        assert said == [["1 left?"]] * 3
    logs = sorted(path.name for path in (tmp_path / "episodes").iterdir())
    assert [name.split(".")[1] for name in logs] == list("0123456")
    assert len({name.split(".")[0] for name in logs}) == 1
    assert all(path.stat().st_size for path in (tmp_path / "episodes").iterdir())


def test_a_film_is_shown_as_frames_spread_over_it(tmp_path: Path, lmms_base: type[Any]) -> None:
    path = film(tmp_path / "x.mp4", list(range(20)))
    clip, text = {"type": "video", "url": str(path)}, {"type": "text", "text": "how many?"}
    documents, requests = _asking([clip, text], [clip, text])
    with RehearsalServer(echo) as server:
        kind = lmms_eval.wrap(lmms_base)
        model = kind("m", folder=str(tmp_path), base_url=server.url, max_num_frames=5)
        model.task_dict = documents
        assert model.generate_until(requests) == ["5 many?", "5 many?"]
        model = kind("m", folder=str(tmp_path), base_url=server.url)
        model.task_dict = documents
        assert model.generate_until(requests[:1]) == ["20 many?"]


def test_frames_of_a_film_keep_their_order_and_times(tmp_path: Path) -> None:
    path = film(tmp_path / "x.mp4", list(range(20)))
    still = Image.new("RGB", (16, 12))
    blobs = BlobStore(tmp_path / "blobs")
    task = as_task(HarnessItem("?", (still, Clip(path, 3), still)), blobs)
    assert [frame.index for frame in task.frames] == [0, 1, 2, 3, 4]
    assert [frame.time for frame in task.frames[1:4]] == pytest.approx([0, 0.9, 1.9])
    shown = [opened(blobs.get(frame.image.sha256)).pixels() for frame in task.frames[1:4]]
    assert [films.number(pixels) for pixels in shown] == [0, 9, 19]


def test_a_film_that_comes_as_frames_is_shown() -> None:
    stills = [Image.new("RGB", (8, 8), (k, 0, 0)) for k in range(9)]
    question = lmms_eval.question_of([{"content": [{"type": "video", "url": stills}]}], 3)
    assert question.images == (stills[0], stills[4], stills[8])


def test_a_film_that_is_not_there_is_said(tmp_path: Path) -> None:
    question = lmms_eval.question_of([{"content": [{"type": "video", "url": "x.mp4"}]}])
    with pytest.raises(UserError, match=r"there is no video x\.mp4"):
        as_task(question, BlobStore(tmp_path))


def test_what_cannot_be_shown_is_said() -> None:
    with pytest.raises(UserError, match="audio"):
        lmms_eval.question_of([{"content": [{"type": "audio", "url": "x"}]}])
    with pytest.raises(UserError, match="a film as int"):
        lmms_eval.question_of([{"content": [{"type": "video", "url": 3}]}])


def test_photographs_of_a_harness_stand_upright(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    data = oriented("JPEG", 6)
    (tmp_path / "a.jpg").write_bytes(data)
    with Image.open(io.BytesIO(data)) as image:
        for picture in (data, tmp_path / "a.jpg", image):
            ref = store_picture(picture, blobs)
            assert (ref.width, ref.height) == (40, 60)
            seen = opened(blobs.get(ref.sha256)).pixels()
            assert np.abs(pictures.corners(seen) - pictures.CORNERS).max() < 12
    with pytest.raises(UserError, match="cut short"):
        store_picture(data[:700], blobs)
    with pytest.raises(UserError, match=r"b\.jpg cannot be read"):
        store_picture(tmp_path / "b.jpg", blobs)
