"""SFT and GRPO with tiny random models on a CPU: text, and vision with a tool that shows images."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

from typer.testing import CliRunner

from surveyor.cli.main import app
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.memory.episodes import Episode
from surveyor.training.evolution.scoring import Scored
from surveyor.training.export.dialects import conversation
from surveyor.training.export.tables import write_parquet
from surveyor.training.grpo.environment import RolloutStage
from surveyor.training.grpo.trl import GrpoSettings, check_parity, train_grpo
from surveyor.training.models.collator import AgentCollator
from surveyor.training.models.families import load_checkpoint
from surveyor.training.models.rendering import check_template
from surveyor.training.models.tiny import make_tiny
from surveyor.training.rows.records import Chat
from surveyor.training.serving.contract import ChatRequest
from surveyor.training.serving.load import backend_of
from surveyor.training.sft import SftSettings, train_sft
from tests.claims.agent.instant_tools import no_experts
from tests.support.agent_stage import TOOLS, make_task, png

pytestmark = [
    pytest.mark.models,
    pytest.mark.filterwarnings("ignore"),  # theirs, not ours
]

SYSTEM = "You measure."
ASKED = "Question: Which is closer to the door?"
SHOWN = (40, 90, 160)
"""The colour of the frame that `look` shows: so small a model knows no other picture."""


def messages(name: str, arguments: str, result: Any) -> list[Chat]:
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": ASKED},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": result, "tool_call_id": "c"},
        {"role": "assistant", "content": "<answer>A</answer>"},
    ]


def rows(vision: bool, pixels: bytes) -> list[dict[str, Any]]:
    shown = [{"type": "text", "text": "a crop"}, {"type": "image_url", "image_url": {"url": "x"}}]
    told = messages("look", '{"frame": "frame_1"}', shown if vision else "a crop")
    row: dict[str, Any] = {
        "messages": conversation(told, parts=vision),
        "prompt": conversation(told[:2], parts=vision),
        "tools": json.dumps(list(TOOLS.schemas)),
        "task_id": "t1",
    }
    return [{**row, "images": [{"bytes": pixels, "path": None}]} if vision else row] * 4


@pytest.fixture(scope="module", params=[False, True], ids=["text", "vision"])
def vision(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, vision: bool) -> Path:
    """A random checkpoint, rows to fit, and prompts."""
    root = tmp_path_factory.mktemp("vision" if vision else "text")
    said = json.dumps(rows(False, b""))
    make_tiny(root / "random", [said] * 4, vision=vision)
    told = rows(vision, png(SHOWN))
    images = ("images",) if vision else ()
    for name, columns in {"rows": ("messages", *images), "prompts": ("prompt",)}.items():
        (root / name).mkdir()
        columns = (*columns, "tools", "task_id")
        write_parquet(root / name / "data.parquet", told, columns, parts=vision)
    return root


@pytest.fixture(scope="module")
def fitted(place: Path) -> Path:
    settings = SftSettings(steps=120, batch=2, accumulate=1, rate=5e-3, save_every=1000)
    return train_sft(place / "random", [(place / "rows", 1.0)], place / "sft", settings)


def losses(out: Path) -> list[float]:
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return [row["loss"] for row in map(json.loads, lines) if "loss" in row]


def test_what_is_trained_on_is_what_the_assistant_says(place: Path, vision: bool) -> None:
    loaded = load_checkpoint(place / "random")
    row = rows(vision, b"")[0] | ({"images": [_picture()]} if vision else {})
    tensors, labels = AgentCollator(loaded.processor).encode(row)
    tokenizer = getattr(loaded.processor, "tokenizer", loaded.processor)
    whole = tokenizer.decode(tensors["input_ids"][0])
    mine = tokenizer.decode([k for k in labels if k >= 0])
    assert mine.count("<tool_call>") == 1
    assert mine.endswith("<answer>A</answer><|im_end|>")
    assert "a crop" in whole
    assert "a crop" not in mine
    assert '"name": "look"' in whole, "the tools are shown"
    assert whole.count("<|image_pad|>") == (4 if vision else 0)
    with pytest.raises(UserError, match="at most 10"):
        AgentCollator(loaded.processor, longest=10).encode(row)


def _picture() -> Any:
    import io

    from PIL import Image

    return Image.open(io.BytesIO(png(SHOWN))).convert("RGB")


def test_fine_tuning_learns_to_call_and_to_answer(fitted: Path, vision: bool) -> None:
    found = losses(fitted.parent)
    assert found[-1] < 0.1 * found[0]
    backend = backend_of(fitted)
    request = ChatRequest(
        model="m",
        messages=tuple(messages("look", "{}", "")[:2]),
        tools=TOOLS.schemas,
        temperature=0,
        max_tokens=64,
    )
    first = backend.reply(request)
    assert [(call.name, json.loads(call.arguments)) for call in first.calls] == [
        ("look", {"frame": "frame_1"})
    ]
    url = "data:image/png;base64," + base64.b64encode(png(SHOWN)).decode()
    image: list[Chat] = [{"type": "image_url", "image_url": {"url": url}}]
    result = [{"type": "text", "text": "a crop"}, *(image if vision else [])]
    told = messages("look", '{"frame": "frame_1"}', result)[:4]
    second = backend.reply(request.model_copy(update={"messages": tuple(told)}))
    assert second.content == "<answer>A</answer>"
    assert second.prompt_ids[: len(first.prompt_ids)] == first.prompt_ids
    grown = (*first.prompt_ids, *first.ids)
    assert second.prompt_ids[: len(grown)] == grown, "what was sampled is what is sent back"


def test_grpo_runs_the_tools_and_rewards_the_answer(
    place: Path, fitted: Path, vision: bool, tmp_path: Path
) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    task = make_task(blobs)
    client = no_experts(blobs)
    stage = RolloutStage({"t1": task}, TOOLS, lambda: client, images=vision)

    async def marker(episode: Episode) -> Scored:
        return Scored(float(episode.answer == "A"))

    settings = GrpoSettings(
        steps=2, group=4, rate=1e-5, completion=300, turns=3, temperature=0.1, save_every=1000
    )
    model = train_grpo(fitted, place / "prompts", tmp_path / "grpo", stage, marker, settings)
    lines = (tmp_path / "grpo" / "metrics.jsonl").read_text().splitlines()
    steps = [row for row in map(json.loads, lines) if "reward" in row]
    assert len(steps) == 2
    assert max(row["tools/call_frequency"] for row in steps) > 0
    assert min(row["tools/failure_frequency"] for row in steps) == 0
    assert max(row["part/answer"] for row in steps) > 0
    assert (model / "config.json").exists()
    asyncio.run(client.aclose())


def test_memory_is_measured_and_a_step_that_fits_is_named(place: Path) -> None:
    arguments = ["train", "probe", str(place / "random"), "--data", str(place / "rows")]
    shown = CliRunner().invoke(app, [*arguments, "--wanted", "6", "--devices", "2"])
    assert shown.exit_code == 0, shown.output
    assert "--batch 3 --accumulate 1: 6 episodes an update on 2 device(s)" in shown.output


def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    place: Path, vision: bool, tmp_path: Path
) -> None:
    if vision:
        pytest.skip("once is enough")
    whole = _start(place, tmp_path / "whole")
    assert whole.wait() == 0
    killed = _start(place, tmp_path / "killed")
    deadline = time.monotonic() + 300
    while not list((tmp_path / "killed").glob("checkpoints/checkpoint-*/trainer_state.json")):
        assert time.monotonic() < deadline
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert _start(place, tmp_path / "killed").wait() == 0
    assert losses(tmp_path / "killed") == pytest.approx(losses(tmp_path / "whole"), abs=1e-6)


def test_the_loss_of_dynamic_fine_tuning_weighs_tokens_by_their_probability(
    place: Path, vision: bool, tmp_path: Path
) -> None:
    told = {}
    for loss in ("nll", "dft", "psft"):
        arguments = ["--data", str(place / "rows"), "--steps", "1", "--loss", loss]
        command = ["train", "sft", str(place / "random"), str(tmp_path / loss), *arguments]
        told[loss] = CliRunner().invoke(app, command)
    assert "must be one of 'nll' or 'dft', not 'psft'" in str(told["psft"].exception)
    ((plain,), (weighed,)) = (losses(tmp_path / loss) for loss in ("nll", "dft"))
    assert 0 < weighed < plain / 5, "an untrained model gives each token little probability"


def _start(place: Path, out: Path) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from pathlib import Path\n"
        "from surveyor.training.sft import SftSettings, train_sft\n"
        "s = SftSettings(steps=12, batch=1, accumulate=1, rate=1e-3, save_every=2)\n"
        "train_sft(Path(sys.argv[1]), [(Path(sys.argv[2]), 1.0)], Path(sys.argv[3]), s)\n"
    )
    arguments = [str(place / "random"), str(place / "rows"), str(out)]
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=dict(os.environ))


@pytest.mark.parametrize("bytes_left", [20_000, 600_000], ids=["weights", "optimizer"])
def test_a_disk_that_is_full_at_a_save_is_one_sentence(
    place: Path, vision: bool, bytes_left: int, tmp_path: Path
) -> None:
    if vision:
        pytest.skip("once is enough")
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_left}, resource.RLIM_INFINITY))\n"
        "from surveyor.training.sft import SftSettings, train_sft\n"
        "from surveyor.core.errors import UserError\n"
        "from pathlib import Path\n"
        "s = SftSettings(steps=2, batch=1, accumulate=1, rate=1e-3, save_every=1)\n"
        "try:\n"
        "    train_sft(Path(sys.argv[1]), [(Path(sys.argv[2]), 1.0)], Path(sys.argv[3]), s)\n"
        "except UserError as error:\n"
        "    sys.exit(f'said: {error}')\n"
    )
    arguments = [str(place / "random"), str(place / "rows"), str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert "said: cannot save" in done.stderr, done.stderr[-2000:]
    assert "make room and run the same command again" in done.stderr
    assert not (tmp_path / "out" / "model").exists()


def test_rows_that_are_none_are_refused(place: Path, vision: bool, tmp_path: Path) -> None:
    columns = ("messages", "tools", "task_id")
    write_parquet(tmp_path / "data.parquet", [], columns, parts=vision)
    with pytest.raises(UserError, match="holds no rows; export again"):
        train_sft(place / "random", [(tmp_path, 1.0)], tmp_path / "out", SftSettings())


def test_a_template_that_drops_pictures_is_refused(place: Path, vision: bool) -> None:
    if not vision:
        pytest.skip("there are none to drop")
    loaded = load_checkpoint(place / "random")
    shown = loaded.processor.chat_template
    assert "<|image_pad|>" in shown
    for one in (loaded.processor, loaded.processor.tokenizer):
        one.chat_template = shown.replace("<|image_pad|>", "")
    with pytest.raises(UserError, match="drops images in tool results"):
        check_template(loaded.processor, vision=True)


def test_templates_and_parities_that_do_not_hold_are_refused_by_name(place: Path) -> None:
    loaded = load_checkpoint(place / "random")
    tokenizer = getattr(loaded.processor, "tokenizer", loaded.processor)
    said = "{% for m in messages %}{{ m.role }}{% endfor %}"
    tokenizer.chat_template = said
    loaded.processor.chat_template = said
    with pytest.raises(UserError, match="drops tools"):
        check_template(loaded.processor, vision=loaded.vision)
    with pytest.raises(UserError, match=r"differ by 0\.820"):
        check_parity([{"sampling/sampling_logp_difference/mean": 0.82}])
