"""The process that plans is searched, byte by byte, for the answers that it must not hold."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest

from surveyor.core.cameras import Frame
from surveyor.core.dataset import Dataset
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.truth import targets
from surveyor.scenes.datasets.writer import DatasetPlan, SceneBundle, write_dataset
from surveyor.scenes.formats.vsi_meta import read_vsi_meta
from surveyor.scenes.questions.asking import ask
from surveyor.scenes.questions.draft import GeneratedQuestion
from surveyor.scenes.records import SceneTruth
from surveyor.services.launch import SupervisorHandle
from tests.faults.conftest import META, command

_CHUNK = 1 << 24
Asked = Iterable[tuple[SceneTruth, tuple[Frame, ...]]]


def holds(pid: int, secret: bytes) -> bool:
    """Whether any readable page of a living process contains the bytes."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        return any(secret in part for part in _parts(pid, memory))


def _parts(pid: int, memory: object) -> Iterator[bytes]:
    """The process's mappings in pieces that overlap, so that nothing hides on a seam."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
        if not match or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
            continue
        start, end = (int(edge, 16) for edge in match.groups())
        for at in range(start, end, _CHUNK):
            try:
                memory.seek(at)  # type: ignore[attr-defined]
                yield memory.read(min(_CHUNK + 256, end - at))  # type: ignore[attr-defined]
            except OSError:  # a page that vanished, or a guard
                break


@pytest.fixture(scope="module")
def secrets_of() -> tuple[str, str]:
    """The secret in every question, and the one in every answer."""
    return f"asked{secrets.token_hex(12)}", f"known{secrets.token_hex(12)}"


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory, secrets_of: tuple[str, str]) -> Dataset:
    """The dataset of the other faults with both secrets put in."""
    asked, known = secrets_of
    scenes = {scene.scene_id: scene for scene in read_vsi_meta(META)}
    plan = DatasetPlan(name="vsi-meta", generator="test", seed=0, scenes=tuple(scenes))

    def mark(question: GeneratedQuestion) -> GeneratedQuestion:
        task = question.task.model_copy(update={"frame_rule": asked})
        proof = {"program": known, "operands": [known]}
        return GeneratedQuestion(
            task, question.target.model_copy(update={"answer": known, "proof": proof})
        )

    def questions(of: Asked) -> Iterator[GeneratedQuestion]:
        plain = partial(ask, dataset=plan.name, split=plan.split, seed=0)
        return map(mark, plain(of))

    path = tmp_path_factory.mktemp("marked") / "dataset"
    write_dataset(path, plan, lambda name: SceneBundle(scenes[name]), questions)
    assert {target.answer for target in targets(path)} == {known}
    return Dataset.open(path)


@pytest.mark.parametrize("peek", [False, True])
def test_a_planner_process_holds_the_questions_and_never_the_answers(
    tmp_path: Path,
    marked: Dataset,
    experts: SupervisorHandle,
    secrets_of: tuple[str, str],
    peek: bool,
) -> None:
    """Both controls: the questions are found, and so are answers that were loaded on purpose."""
    asked, known = (secret.encode() for secret in secrets_of)
    run = tmp_path / "r"
    more = ["--linger", "--epochs", "1"] + (["--peek"] if peek else [])
    child = subprocess.Popen(
        command(marked, run, experts.endpoints_file, *more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"done\n"
        assert holds(child.pid, asked)
        assert holds(child.pid, known) is peek
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait() == 0
    folder = RunFolder.open(run)
    written = b"".join(p.read_bytes() for p in folder.path.rglob("*") if p.is_file())
    assert asked in written
    assert known not in written
