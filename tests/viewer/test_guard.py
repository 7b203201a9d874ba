"""Who may look at the viewer, and what its answers say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from surveyor.core.errors import UserError
from tests.viewer.stage import TOKEN, make_run, served


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("guard")
    make_run(place / "runs" / "one", 3)
    with served([place / "runs"], place / "cache") as address:
        yield address


@pytest.fixture(scope="module")
def client(home: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=home) as client:
        client.get("/", params={"token": TOKEN})
        yield client


def test_nothing_is_shown_without_the_token_and_the_token_leaves_the_address(home: str) -> None:
    assert httpx2.get(f"{home}/api/runs").status_code == 403
    assert httpx2.get(f"{home}/?token=wrong").status_code == 403
    entered = httpx2.get(f"{home}/", params={"token": TOKEN})
    assert entered.status_code == 303
    assert entered.headers["location"] == "/"
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert cookie.startswith("surveyor_")  # named by its port


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:80"},
        {"host": "127.0.0.1.evil.example"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_foreign_names_and_foreign_sites_are_refused(
    client: httpx2.Client, headers: dict[str, str]
) -> None:
    assert client.get("/api/runs").status_code == 200
    refused = client.get("/api/runs", headers=headers)
    assert refused.status_code in (400, 403, 421)
    assert "runs" not in refused.text or refused.status_code == 421


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_only_reading_is_possible(client: httpx2.Client, method: str) -> None:
    assert client.request(method, "/api/runs").status_code == 405


def test_every_answer_carries_the_policy(client: httpx2.Client) -> None:
    for path in ("/", "/api/runs", "/web/app.js", "/web/style.css", "/api/run/none", "/web/none"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/web/../api.py", "/web/%2e%2e/api.py", "/web/..%2fapi.py", "/web/app.js%00", "/web/",
        "/blob/one/../../etc/passwd", "/blob/one/" + "a" * 63, "/blob/one/" + "G" * 64,
        "/blob/none/" + "0" * 64, "/blob/one/" + "0" * 64, "/thumb/one/" + "0" * 64,
        "/api/run/..%2f..%2fetc/state", "/api/run/one/episode?task=..%2f..%2frun.json",
        "/api/run/one/raw?task=%00", "/api/run/one/mask?task=t0&handle=../x", "/api/none",
    ],
)  # fmt: skip
def test_paths_that_are_not_there_lead_nowhere(client: httpx2.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_blobs_are_sandboxed_and_what_is_no_image_is_a_download(
    client: httpx2.Client, home: str, tmp_path: Path
) -> None:
    folder = make_run(tmp_path / "html", 1)
    from surveyor.core.blobs import BlobStore

    page = BlobStore(folder.path / "blobs").put(b"<script>alert(1)</script>", "text/html")
    with (
        served([folder.path], tmp_path / "cache") as other,
        httpx2.Client(base_url=other) as inside,
    ):
        inside.get("/", params={"token": TOKEN})
        told = inside.get(f"/blob/html/{page.sha256}")
        assert told.headers["content-type"] == "application/octet-stream"
        assert told.headers["content-disposition"] == "attachment"
        assert "sandbox" in told.headers["content-security-policy"]
    shown = client.get("/api/run/one/episode", params={"task": "t0"}).json()
    image = client.get(f"/blob/one/{shown['frames'][0]['sha256']}")
    assert image.headers["content-type"] == "image/jpeg"


def test_a_tokenless_viewer_stays_on_this_machine() -> None:
    from surveyor.compose.viewing import serve_viewer

    common = {"port": 0, "trusted": (), "datasets": (), "experts": None, "library": None}
    with pytest.raises(UserError, match="this machine alone"):
        serve_viewer([], host="0.0.0.0", token=False, **common)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="--trust-host"):
        serve_viewer([], host="0.0.0.0", token=True, **common)  # type: ignore[arg-type]
