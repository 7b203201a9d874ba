"""A question that takes long, in the browser: its place shows it, and it can be stopped."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import httpx2
import pytest

from surveyor.compose.ask import Asking
from tests.support.browser import Tab
from tests.support.openai_server import RehearsalServer, Reply, Request, says
from tests.viewer.stage import make_run, served

QUESTION = json.dumps({"question": "Is it nice here?"})


@dataclass
class Thinker:
    """A model that answers when it is told to."""

    asked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Request) -> Reply:
        self.asked.set()
        self.go.wait(60)
        return says("<answer>yes</answer>")


@pytest.fixture(scope="module")
def model() -> Thinker:
    return Thinker()


@pytest.fixture(scope="module")
def home(asking: Asking, model: Thinker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base = tmp_path_factory.mktemp("home")
    make_run(base / "runs" / "one", 1)
    with RehearsalServer(model) as server:
        slow = replace(asking, model="test", base_url=server.url)
        with served([base / "runs"], base / "cache", asking=slow) as address:
            yield address
            model.go.set()


def test_a_question_is_stopped_and_the_next_one_answered(
    client: httpx2.Client, model: Thinker
) -> None:
    model.asked.clear()
    model.go.clear()
    assert client.post("/api/place/boxes/stop").status_code == 409, "nothing is being asked"
    said: list[httpx2.Response] = []
    asks = threading.Thread(
        target=lambda: said.append(client.post("/api/place/boxes/ask", content=QUESTION))
    )
    asks.start()
    assert model.asked.wait(60)
    assert client.get("/api/place/boxes").json()["asking"] == "Is it nice here?"
    assert client.post("/api/place/boxes/ask", content=QUESTION).status_code == 409
    assert client.post("/api/place/boxes/stop").json() == {"stopped": "Is it nice here?"}
    asks.join(60)
    assert said[0].json()["detail"] == "stopped; nothing was answered"
    page = client.get("/api/place/boxes").json()
    assert (page["asking"], page["answers"]) == (None, [])
    model.go.set()
    assert client.post("/api/place/boxes/ask", content=QUESTION).status_code == 200
    assert client.get("/api/place/boxes").json()["answers"][0]["sentence"]


@pytest.mark.browser
def test_a_page_that_was_left_shows_what_is_asked_and_a_key_stops_it(
    tab: Tab, home: str, model: Thinker
) -> None:
    tab.problems.clear()
    model.asked.clear()
    model.go.clear()
    state = "document.getElementById('state').textContent"
    tab.show(f"{home}/place/boxes?q=How+long+is+it%3F", 1280, 900)
    tab.until("document.getElementById('question')")
    tab.press("/")
    tab.press("Enter")
    assert model.asked.wait(60)
    tab.show(f"{home}/place/boxes", 1280, 900)
    tab.until(f"{state}.startsWith('Asking: How long is it?')")
    assert tab.value("document.getElementById('ask').disabled")
    tab.press("x")
    tab.until("document.getElementById('stop').hidden", 60)
    assert not tab.value(f"{state}.includes('Asking')")
    assert tab.problems == []
