"""Real processes: readiness, death, restart on the same address, and no one left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from surveyor.core.errors import UserError
from surveyor.services.contract import Endpoints
from surveyor.services.launch import down, status, up, up_from_config
from surveyor.services.plan import read_endpoints, supervisor_pid
from surveyor.training.evolution.inprocess_experts import experts_in_process
from tests.services.world import frame

PATIENCE = 20.0


def until(condition, what):
    """Wait for another process to do something; fail with a sentence."""
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE} s in vain: {what}"
        time.sleep(0.01)
    return result


def alive(pid):
    """Whether it runs; a zombie that nobody has reaped yet does not."""
    try:
        return _stat(pid)[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def family(supervisor):
    """Every process of a supervisor's session: workers, their forkserver, whoever was started."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[3]) == supervisor:
            members.append(int(stat.parent.name))
    return members


def pids(endpoints):
    return {one.expert: one.pid for one in endpoints.experts}


@pytest.fixture
def state_dir(tmp_path):
    return tmp_path / "state"


def test_a_killed_worker_comes_back_at_the_same_address(dataset, state_dir):
    with up(["scene", "depth"], [dataset], "perfect", state_dir) as handle:
        first = handle.endpoints
        urls = {one.expert: one.url for one in first.experts}
        body = {"scene_id": "room0"}
        before = httpx2.post(f"{urls['scene']}/v1/scene", json=body).json()
        os.kill(pids(first)["scene"], signal.SIGKILL)
        until(lambda: not alive(pids(first)["scene"]), "the worker dies")
        # The supervisor still listens: this request waits for the next incarnation.
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = httpx2.post(f"{urls['scene']}/v1/scene", json=body, timeout=PATIENCE)
            if answer.status_code != 503 or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        assert answer.json() == before
        now = until(
            lambda: (e := read_endpoints(handle.endpoints_file)) and pids(e) != pids(first) and e,
            "the endpoints file names the new process",
        )
        assert {one.expert: one.url for one in now.experts} == urls
        assert pids(now)["depth"] == pids(first)["depth"]
        rows = {row.expert: row for row in status(handle.endpoints_file)}
        assert (rows["scene"].restarts, rows["depth"].restarts) == (1, 0)
        assert rows["scene"].memory > 10_000_000
        assert (rows["depth"].requests, rows["depth"].queue) == (0, 0)
        assert len(list((state_dir / "logs").glob("scene.*.log"))) == 2
        image = {"image": {"sha256": frame(dataset)}}
        assert httpx2.post(f"{urls['depth']}/v1/depth", json=image).status_code == 200
        measured = {row.expert: row for row in status(handle.endpoints_file)}["depth"]
        assert measured.requests == 1
        assert 0 < measured.p50 <= measured.p99 < PATIENCE
    assert not any(alive(pid) for pid in [*pids(now).values(), handle.pid])
    until(lambda: not family(handle.pid), "nobody is left")
    assert not handle.endpoints_file.exists()


def test_shared_experts_are_one_process_that_is_replaced_as_one(dataset, state_dir, tmp_path):
    """Every expert keeps its own address, and answers as it does alone."""
    names = ("scene", "depth", "detect")
    asked = {
        "scene": {"scene_id": "room0"},
        "depth": {"image": {"sha256": frame(dataset)}},
        "detect": {"image": {"sha256": frame(dataset)}, "phrases": ["chair"]},
    }

    def answers(endpoints):
        urls = {one.expert: one.url for one in endpoints.experts}
        return {n: httpx2.post(f"{urls[n]}/v1/{n}", json=asked[n]).json() for n in names}

    with up(names, [dataset], "perfect", tmp_path / "alone") as handle:
        alone = answers(handle.endpoints)
    with up(names, [dataset], "perfect", state_dir, shared=True) as handle:
        first = handle.endpoints
        urls = {one.expert: one.url for one in first.experts}
        assert tuple(urls) == names
        assert len(set(urls.values())) == len(names)
        assert len(family(handle.pid)) == 2  # the supervisor and the worker: no forkserver
        assert answers(first) == alone
        other = httpx2.post(f"{urls['scene']}/v1/depth", json=asked["depth"])
        assert other.status_code == 404
        (worker,) = set(pids(first).values())
        os.kill(worker, signal.SIGKILL)
        now = until(
            lambda: (
                (e := read_endpoints(handle.endpoints_file))
                and worker not in pids(e).values()
                and all(row.state == "ready" for row in status(handle.endpoints_file))
                and e
            ),
            "one process is replaced by one",
        )
        assert len(set(pids(now).values())) == 1
        assert {one.expert: one.url for one in now.experts} == urls
        assert answers(now) == alone
        assert [row.restarts for row in status(handle.endpoints_file)] == [1, 1, 1]
        assert len(list((state_dir / "logs").glob("shared.*.log"))) == 2
    until(lambda: not family(handle.pid), "nobody is left")


def test_a_shared_expert_that_cannot_load_says_why(dataset, state_dir):
    with pytest.raises(UserError, match="holds no dataset"):
        up(["scene", "depth"], [state_dir], "perfect", state_dir, shared=True)


def test_what_is_gone_from_a_dataset_is_named(dataset, state_dir, tmp_path):
    async def inside():
        async with experts_in_process([copy], tmp_path / "work", experts=("scene",)):
            pass

    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    (copy / "blobs").rename(copy / "elsewhere")
    with pytest.raises(UserError, match="frames are missing from"):
        up(["depth"], [copy], "perfect", state_dir)
    (copy / "elsewhere").rename(copy / "blobs")
    for path in (copy / "truth/scenes").glob("*/truth.json"):
        path.unlink()
    for gone in ("truth.json cannot be read", "copy/truth, which experts .* make the dataset"):
        for shared in (True, False):
            with pytest.raises(UserError, match=gone):
                up(["scene", "depth"], [copy], "perfect", state_dir, shared=shared)
        with pytest.raises(UserError, match=gone):
            asyncio.run(inside())
        shutil.rmtree(copy / "truth", ignore_errors=True)


def test_workers_go_when_their_supervisor_is_killed(dataset, state_dir):
    with up(["scene", "depth"], [dataset], "perfect", state_dir) as handle:
        assert len(family(handle.pid)) >= 3
        os.kill(handle.pid, signal.SIGKILL)
        until(lambda: not family(handle.pid), "everyone follows")
        assert supervisor_pid(state_dir / "supervisor.lock") is None
        with pytest.raises(UserError, match="no experts are running"):
            status(handle.endpoints_file)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_attached_experts_go_with_the_process_that_started_them(dataset, state_dir, number):
    """Ctrl-C reaches the starter's whole process group, `kill -9` the starter alone."""
    program = (
        "import signal; from pathlib import Path; from surveyor.services.launch import up\n"
        f"with up(['scene'], [Path({str(dataset)!r})], 'perfect', Path({str(state_dir)!r})) as h:\n"
        "    print(h.endpoints.model_dump_json(), flush=True); signal.pause()"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as starter:
        endpoints = Endpoints.model_validate_json(starter.stdout.readline())
        assert all(alive(pid) for pid in [endpoints.supervisor, *pids(endpoints).values()])
        os.killpg(starter.pid, number)
        starter.wait(PATIENCE)
    until(lambda: not family(endpoints.supervisor), "nobody is left")


def test_a_forkserver_that_is_killed_takes_nobody_along_unnoticed(dataset, state_dir):
    """The workers cannot be waited for without it: they are ended and started again."""
    with up(["scene", "depth"], [dataset], "perfect", state_dir) as handle:
        first = pids(handle.endpoints)
        known = {handle.pid, *first.values()}
        parents = {int(_stat(pid)[1]) for pid in first.values()}
        (forkserver,) = parents - known
        os.kill(forkserver, signal.SIGKILL)

        def replaced():
            now = pids(read_endpoints(handle.endpoints_file))
            rows = status(handle.endpoints_file)
            return not set(now.values()) & set(first.values()) and all(
                row.state == "ready" for row in rows
            )

        until(replaced, "both workers are new")
        assert not any(alive(pid) for pid in first.values())
    until(lambda: not family(handle.pid), "nobody is left")


def _stat(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def test_detached_experts_stay_until_down_and_only_they_go(dataset, state_dir, tmp_path):
    handle = up(["scene"], [dataset], "perfect", state_dir, detached=True, token="s3cret")
    with up(["scene"], [dataset], "perfect", tmp_path / "other") as other:
        with pytest.raises(UserError, match="already running"):
            up(["depth"], [dataset], "perfect", state_dir)
        assert handle.endpoints.token_file is not None
        token_file = Path(handle.endpoints.token_file)
        assert token_file.stat().st_mode & 0o077 == 0
        url = handle.endpoints.experts[0].url
        assert httpx2.get(f"{url}/v1/info").status_code == 401
        sent = {"Authorization": f"Bearer {token_file.read_text()}"}
        assert httpx2.get(f"{url}/v1/info", headers=sent).status_code == 200
        down(handle.endpoints_file)
        handle._process.wait(PATIENCE)
        assert not alive(pids(handle.endpoints)["scene"])
        assert alive(pids(other.endpoints)["scene"])
    with pytest.raises(UserError, match="no experts are running"):
        down(handle.endpoints_file)


def test_what_the_operator_must_mend_is_one_sentence(dataset, state_dir, tmp_path):
    with pytest.raises(UserError, match="holds no dataset"):
        up(["scene"], [tmp_path / "nowhere"], "perfect", state_dir)
    with pytest.raises(UserError, match="holds no dataset"):
        up(["scene"], [tmp_path / "nowhere"], "perfect", tmp_path / "new")
    assert not (tmp_path / "new").exists(), "nothing of what was refused stays"
    assert supervisor_pid(state_dir / "supervisor.lock") is None
    with pytest.raises(UserError, match="give a token"):
        up(["scene"], [dataset], "perfect", state_dir, host="0.0.0.0")
    with pytest.raises(UserError, match="named twice"):
        up(["scene", "scene"], [dataset], "perfect", state_dir)
    with pytest.raises(UserError, match="no experts are running"):
        read_endpoints(tmp_path / "endpoints.json")


def test_a_config_says_everything(dataset, tmp_path):
    import socket

    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free.bind(("127.0.0.1", 0))
        wanted, busy = free.getsockname()[1], taken.getsockname()[1]
        free.close()
        config = tmp_path / "experts.toml"
        config.write_text(
            f"datasets = ['{dataset}']\nstate = 'state'\ntoken = true\npreset = 'realistic'\n"
            f"[experts.scene]\nport = {busy}\n[experts.depth]\nport = {wanted}\n"
        )
        with up_from_config(config) as handle:
            ports = [int(one.url.rpartition(":")[2]) for one in handle.endpoints.experts]
            assert handle.plan.state_dir == tmp_path / "state"
            token = Path(handle.endpoints.token_file).read_text()
            sent = {"Authorization": f"Bearer {token}"}
            url = handle.endpoints.experts[1].url
            assert httpx2.get(f"{url}/v1/info", headers=sent).json()["preset"] == "realistic"
            assert all(row.queue == 0 for row in status(handle.endpoints_file))
    assert ports[0] != busy  # a wanted port is taken only when it is free
    assert ports[1] == wanted
