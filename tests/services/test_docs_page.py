"""`/docs` is complete and reaches for nothing outside, so that it can be read without a network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from surveyor.services.app import build_app
from surveyor.services.docs_page import page
from surveyor.services.registry import experts_of, make_expert
from surveyor.services.settings import Settings


class Reader(HTMLParser):
    """Collects text, tags, ids and everything that an attribute points to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.targets: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif name not in ("lang", "charset", "open"):
                self.targets.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def client(expert: str, tmp_path: Path, token: str | None = None) -> TestClient:
    """The app without its lifespan: documentation needs no model."""
    settings = Settings(blob_dir=tmp_path, token=token)
    return TestClient(build_app(make_expert(expert), settings))


@pytest.mark.parametrize("expert", experts_of("reference"))
def test_the_page_refers_to_nothing_outside(expert: str, tmp_path: Path) -> None:
    answer = client(expert, tmp_path).get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    read = Reader(answer.text)
    assert not read.tags & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert not re.search(r"url\(|@import|//[a-z]", answer.text)
    inside = {f"#{one}" for one in read.ids} | {"/openapi.json"}
    assert set(read.targets) <= inside


@pytest.mark.parametrize("expert", experts_of("reference"))
def test_every_path_field_and_record_is_on_the_page(expert: str, tmp_path: Path) -> None:
    with_page = client(expert, tmp_path)
    text, told = with_page.get("/docs").text, with_page.get("/openapi.json").json()
    read = Reader(text)
    assert told["paths"]
    for path, operations in told["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}" in read.text
    for name, record in told["components"]["schemas"].items():
        assert name in read.ids
        for field in record.get("properties", {}):
            assert f"<code>{field}</code>" in text


def test_it_is_open_and_says_that_a_token_is_asked_for(tmp_path: Path) -> None:
    guarded = client("detect", tmp_path, token="secret")
    text = guarded.get("/docs").text
    assert "Authorization: Bearer" in text
    assert "secret" not in text
    assert guarded.get("/v1/info").status_code == 401
    assert "Authorization: Bearer" not in client("detect", tmp_path).get("/docs").text


def test_what_a_description_holds_is_text() -> None:
    told = {
        "info": {"title": "<script>alert(1)</script>", "version": "1"},
        "paths": {"/a": {"get": {"summary": "<b>", "responses": {"200": {"description": "<i>"}}}}},
        "components": {"schemas": {"A": {"type": "string", "description": "<img src=x>"}}},
    }
    read = Reader(page(told, base="/mounted"))
    assert not read.tags & {"script", "b", "i", "img"}
    assert "GET /mounted/a" in read.text
    assert "/mounted/openapi.json" in read.targets
