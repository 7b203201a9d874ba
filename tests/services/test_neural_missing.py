"""Neural experts where something is missing: one sentence, before anything heavy is imported."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from surveyor.core.errors import UserError
from surveyor.services.neural.model_cards import CARDS, ModelCard, choose_card, own_card
from surveyor.services.neural.runtime import require
from surveyor.services.neural.weights import find_weights
from surveyor.services.registry import experts_of, make_expert
from surveyor.services.settings import Settings

ROUTES = [(expert, route) for expert, cards in CARDS.items() for route in cards]
DETECT = CARDS["detect"]["base"]
NO_TORCH = pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed here")


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    cache = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    return cache


def settings(tmp_path: Path, **more: Any) -> Settings:
    return Settings(blob_dir=tmp_path / "blobs", **more)


def checkpoint(folder: Path, card: ModelCard, text: str = "x") -> Path:
    for name in card.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + name)
    return folder


def test_importing_the_adapters_imports_no_model_library() -> None:
    adapters = [
        f"surveyor.services.neural.{name}"
        for name in ("detect", "depth", "segment", "reconstruct", "restore", "orient")
    ]
    adapters += [f"surveyor.services.neural.tiny.{name}" for name in experts_of("tiny")]
    heavy = "{'torch', 'torchvision', 'transformers', 'spandrel', 'safetensors', 'scipy'}"
    code = f"import sys, {', '.join(adapters)}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(("expert", "route"), ROUTES)
def test_missing_weights_are_named_with_source_and_licence(
    expert: str, route: str, tmp_path: Path
) -> None:
    card = CARDS[expert][route]
    with pytest.raises(UserError) as told:
        make_expert(expert, "neural").load(settings(tmp_path, options={"route": route}))
    sentence = str(told.value)
    for part in (*card.files, card.model, card.licence, card.source):
        assert part in sentence
    if card.revision is not None:
        assert card.revision in sentence


@NO_TORCH
@pytest.mark.parametrize("expert", experts_of("neural"))
def test_without_its_libraries_an_expert_says_how_to_get_them(expert: str, tmp_path: Path) -> None:
    card = next(iter(CARDS[expert].values()))
    folder = checkpoint(tmp_path / "weights", card)
    with pytest.raises(UserError, match=f"torch.*surveyor serve env {expert}"):
        make_expert(expert, "neural").load(settings(tmp_path, weights=folder))
    with pytest.raises(UserError, match=f"surveyor serve env {expert}"):
        make_expert(expert, "tiny").load(settings(tmp_path))


def test_require_names_only_what_is_missing() -> None:
    require("detect", ("json", "pathlib"))
    with pytest.raises(UserError, match="needs no_such_module_a, no_such_module_b, not installed"):
        require("detect", ("json", "no_such_module_a", "no_such_module_b"))


def test_a_folder_that_lacks_a_file_is_refused_by_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"lacks model\.safetensors"):
        find_weights("detect", DETECT, tmp_path)
    with pytest.raises(UserError, match="nowhere is not there"):
        find_weights("detect", DETECT, tmp_path / "nowhere")


def test_weights_by_path_are_identified_by_their_bytes(tmp_path: Path) -> None:
    one = find_weights("detect", DETECT, checkpoint(tmp_path / "a", DETECT))
    same = find_weights("detect", DETECT, checkpoint(tmp_path / "b", DETECT))
    other = find_weights("detect", DETECT, checkpoint(tmp_path / "c", DETECT, "y"))
    assert one.digest == same.digest != other.digest
    sha = hashlib.sha256((tmp_path / "a" / "model.safetensors").read_bytes()).hexdigest()
    assert one.revision == f"sha256:{sha}"
    named = find_weights("detect", DETECT, tmp_path / "a", revision="v7")
    assert named.revision == f"v7 sha256:{sha}"


def test_a_checkpoint_of_one_file_may_be_given_as_the_file_or_flat_in_a_folder(
    tmp_path: Path,
) -> None:
    card = CARDS["orient"]["v1"]
    flat = tmp_path / Path(card.files[0]).name
    flat.write_text("weights")
    assert find_weights("orient", card, flat).file == flat
    assert find_weights("orient", card, tmp_path).file == flat
    nested = checkpoint(tmp_path / "hub-layout", card)
    assert find_weights("orient", card, nested).file == nested / card.files[0]


def snapshot(cache: Path, card: ModelCard, commit: str) -> Path:
    """A repository in the hub's cache: blobs named by hash, a snapshot of links to them."""
    repository = cache / f"models--{(card.hub or '').replace('/', '--')}"
    folder = repository / "snapshots" / commit
    folder.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for name in card.files:
        data = name.encode()
        blob = repository / "blobs" / hashlib.sha256(data).hexdigest()
        blob.write_bytes(data)
        (folder / name).symlink_to(blob)
    return repository


def test_the_pinned_commit_is_found_in_the_hubs_cache(no_cache: Path, tmp_path: Path) -> None:
    snapshot(no_cache, DETECT, DETECT.revision or "")
    found = find_weights("detect", DETECT)
    assert found.revision == DETECT.revision
    flat = tmp_path / "copy"
    flat.mkdir()
    for name in DETECT.files:
        (flat / name).write_bytes(name.encode())
    assert find_weights("detect", DETECT, flat).digest == found.digest


def test_another_commit_in_the_cache_does_not_answer_for_the_pinned_one(no_cache: Path) -> None:
    repository = snapshot(no_cache, DETECT, "c" * 40)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("c" * 40)
    with pytest.raises(UserError, match=DETECT.revision):
        find_weights("detect", DETECT)
    assert find_weights("detect", DETECT, revision="main").revision == "c" * 40


def test_routes_and_models_are_chosen_by_name() -> None:
    assert choose_card("detect", None, None)[0] == "base"
    route, card = choose_card("detect", None, "IDEA-Research/grounding-dino-tiny")
    assert card.revision == CARDS["detect"]["tiny"].revision
    assert route == "tiny"
    _, own = choose_card("detect", "base", "someone/finetuned")
    assert own.revision is None
    assert "unknown" in own.licence
    with pytest.raises(UserError, match="no route 'yolo'; choose from: base, tiny"):
        choose_card("detect", "yolo", None)


def test_a_model_of_no_route_is_refused_by_its_name() -> None:
    """Whatever loader is the default would read it, and a checkpoint's names may even fit."""
    with pytest.raises(UserError) as told:
        choose_card("reconstruct", None, "someone/dust3r")
    for word in ("'someone/dust3r'", "da3 (depth-anything/DA3-SMALL)", "pi3 (yyfz233/Pi3)", "pi3x"):
        assert word in str(told.value)


def test_a_model_chooses_its_own_route_and_no_other() -> None:
    assert choose_card("reconstruct", None, "yyfz233/Pi3")[0] == "pi3"
    assert choose_card("reconstruct", "pi3x", "YYFZ233/pi3x")[0] == "pi3x"
    with pytest.raises(UserError, match=r"yyfz233/Pi3 is loaded by the route 'pi3'.*not by 'da3'"):
        choose_card("reconstruct", "da3", "yyfz233/Pi3")


def test_weights_of_ones_own_are_not_the_defaults(no_cache: Path, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "finetuned", DETECT)
    own = find_weights("detect", DETECT, folder)
    assert (own.own, own.name) == (True, "finetuned/model.safetensors")
    card = own_card(DETECT, own.name)
    assert (card.model, card.licence, card.hub) == (own.name, "unknown", None)
    snapshot(no_cache, DETECT, "c" * 40)
    here = no_cache / "models--IDEA-Research--grounding-dino-base" / "snapshots" / ("c" * 40)
    published = find_weights("detect", DETECT, here)
    assert (published.own, published.revision) == (False, "c" * 40)
    assert find_weights("detect", CARDS["detect"]["tiny"], here).own


def test_a_checkpoints_main_file_stands_for_its_folder(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "a", DETECT)
    by_file = find_weights("detect", DETECT, folder / "model.safetensors")
    assert by_file == find_weights("detect", DETECT, folder)


def test_every_hub_card_of_the_default_routes_pins_a_commit() -> None:
    for routes in CARDS.values():
        card = next(iter(routes.values()))
        if card.hub is not None and card.files[-1].endswith(".safetensors"):
            assert card.revision is not None
            assert len(card.revision) == 40


@NO_TORCH
def test_the_benchmark_says_what_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    from tests.claims.experts.neural_speed import main

    assert main([]) == 2
    assert "needs torch" in capsys.readouterr().err
