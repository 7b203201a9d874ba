"""Inside other harnesses: their contracts, their real base classes where they are installed."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.interop import lmms_eval, vlmevalkit
from surveyor.agent.interop.answerer import Answerer, Question, store_picture
from surveyor.agent.limits import Limits
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import InfrastructureError, UserError
from tests.support.agent_stage import png
from tests.support.openai_server import RehearsalServer, Reply, Request, fails, in_order, says


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
    questions = [Question("first?", (file, picture)), Question("second?"), Question("third?")]
    with RehearsalServer(echo) as server:
        answerer = Answerer(ChatConfig(model="m", base_url=server.url), tmp_path / "run")
        assert answerer.answer(questions) == ["2 first?", "0 second?", "0 third?"]
    assert len(list((tmp_path / "run" / "episodes").iterdir())) == 3
    assert "tools" not in server.requests[0].json


def test_an_unreachable_model_is_no_wrong_answer(tmp_path: Path) -> None:
    with RehearsalServer(in_order([fails(500)])) as server:
        config = ChatConfig(model="m", base_url=server.url, attempts=1)
        with pytest.raises(InfrastructureError):
            Answerer(config, tmp_path).answer([Question("?")])


def test_a_model_that_never_answers_gets_an_empty_answer(tmp_path: Path) -> None:
    with RehearsalServer(in_order([says("")])) as server:
        config = ChatConfig(model="m", base_url=server.url)
        answerer = Answerer(config, tmp_path, limits=Limits(mistakes=2))
        assert answerer.answer([Question("?")]) == [""]


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


def test_a_video_that_cannot_be_shown_is_said() -> None:
    with pytest.raises(UserError, match="video"):
        lmms_eval.question_of([{"content": [{"type": "video", "url": "x"}]}])
