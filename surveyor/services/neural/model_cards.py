"""Which models the neural experts serve: where from, which commit, under which licence.

Nothing is downloaded by an expert: an operator fetches weights knowing their licence. Each card
pins the commit that the adapter was written for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from surveyor.core.errors import UserError

_HUB = "https://huggingface.co"
_DA3 = "depth_anything_3"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model. ``hub`` is its repository on the Hugging Face hub, ``files`` what must be there
    (a checkpoint that is a single file has one), ``modules`` what must be importable."""

    model: str
    licence: str
    files: tuple[str, ...]
    source: str
    modules: tuple[str, ...] = ("torch", "transformers")
    hub: str | None = None
    revision: str | None = None
    note: str = ""


def _hub(
    hub: str,
    revision: str,
    licence: str,
    modules: tuple[str, ...] = ("torch", "transformers"),
    note: str = "",
) -> ModelCard:
    return ModelCard(
        model=hub,
        licence=licence,
        files=("config.json", "model.safetensors"),
        source=f"{_HUB}/{hub}",
        modules=modules,
        hub=hub,
        revision=revision,
        note=note,
    )


def _detector(
    hub: str, note: str = "", modules: tuple[str, ...] = ("torch", "transformers")
) -> ModelCard:
    """A detector of which no commit is pinned: none was to be had when its adapter was written."""
    return ModelCard(
        model=hub,
        licence="Apache-2.0",
        files=("config.json", "model.safetensors"),
        source=f"{_HUB}/{hub}",
        modules=modules,
        hub=hub,
        note=note,
    )


def _pi3(hub: str) -> ModelCard:
    return ModelCard(
        model=hub,
        licence="code BSD-3-Clause, weights CC-BY-NC-4.0",
        files=("model.safetensors",),
        source=f"{_HUB}/{hub}",
        modules=("torch", "huggingface_hub", "pi3"),
        hub=hub,
    )


_FIXED = "Knows only the classes that it was trained on; other phrases are refused by name."
_ANY_VIEW = ("torch", "torchvision", _DA3, "einops", "omegaconf", "addict")
_SMALL_VIEWS = _hub(
    "depth-anything/DA3-SMALL", "e08cab65ca0ec38e7826075418411ab90cab4da3", "Apache-2.0", _ANY_VIEW
)

# expert -> route -> card; the first route is the default.
CARDS: dict[str, dict[str, ModelCard]] = {
    "detect": {
        "base": _hub(
            "IDEA-Research/grounding-dino-base",
            "12bdfa3120f3e7ec7b434d90674b3396eccf88eb",
            "Apache-2.0",
        ),
        "tiny": _hub(
            "IDEA-Research/grounding-dino-tiny",
            "a2bb814dd30d776dcf7e30523b00659f4f141c71",
            "Apache-2.0",
        ),
        "mm": _detector("openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det"),
        "owlv2": _detector("google/owlv2-base-patch16-ensemble"),
        "omdet": _detector(
            "omlab/omdet-turbo-swin-tiny-hf",
            modules=("torch", "torchvision", "transformers", "timm"),
        ),
        "rtdetr": _detector("PekingU/rtdetr_r50vd", _FIXED),
        "dfine": _detector("ustc-community/dfine-xlarge-coco", _FIXED),
    },
    "depth": {
        "da3": _hub(
            "depth-anything/DA3METRIC-LARGE",
            "4010e39f3634a45bc60553321fb49fb760bd594e",
            "Apache-2.0",
            _ANY_VIEW,
            "Metres are canonical depth times focal length / 300: send `focal`.",
        ),
        "da2": _hub(
            "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf",
            "8078d68a9c75a972131914f6afd0c1723be0da7f",
            "Apache-2.0",
            note="Metres as trained on Hypersim, whatever the focal length; good to 20 m.",
        ),
    },
    "segment": {
        "sam3": _hub(
            "facebook/sam3",
            "3c879f39826c281e95690f02c7821c4de09afae7",
            "SAM License (access is granted by Meta on request)",
            ("torch", "torchvision", "transformers"),
        ),
    },
    "reconstruct": {
        "da3": _SMALL_VIEWS,
        "da3-base": _hub(
            "depth-anything/DA3-BASE",
            "f4a6c9b3c95e41c82048423d3493a81ec3fa810e",
            "Apache-2.0",
            _ANY_VIEW,
        ),
        "pi3": _pi3("yyfz233/Pi3"),
        "pi3x": _pi3("yyfz233/Pi3X"),
        "vggt": ModelCard(
            model="facebook/VGGT-1B-Commercial",
            licence="VGGT License (access is granted by Meta on request)",
            files=("vggt_1B_commercial.pt",),
            source=f"{_HUB}/facebook/VGGT-1B-Commercial",
            modules=("torch", "vggt"),
            hub="facebook/VGGT-1B-Commercial",
        ),
        "mapanything": ModelCard(
            model="facebook/map-anything-apache",
            licence="Apache-2.0",
            files=("config.json", "model.safetensors"),
            source=f"{_HUB}/facebook/map-anything-apache",
            modules=("torch", "mapanything"),
            hub="facebook/map-anything-apache",
        ),
    },
    "restore": {
        "swinir": ModelCard(
            model="SwinIR-L real-world x4",
            licence="Apache-2.0",
            files=("003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_PSNR.pth",),
            source="https://github.com/JingyunLiang/SwinIR/releases/tag/v0.0",
            modules=("torch", "torchvision", "spandrel"),
        ),
    },
    "orient": {
        "v1": ModelCard(
            model="Viglong/Orient-Anything",
            licence="CC-BY-4.0",
            files=("ronormsigma1/dino_weight.pt",),
            source=f"{_HUB}/Viglong/Orient-Anything",
            hub="Viglong/Orient-Anything",
            note="Orient Anything by Z. Wang et al. (arXiv 2412.18605), CC-BY-4.0.",
        ),
        "v2": ModelCard(
            model="Viglong/OriAnyV2_ckpt",
            licence="CC-BY-4.0",
            files=("demo_ckpts/rotmod_realrotaug_best.pt",),
            source=f"{_HUB}/Viglong/OriAnyV2_ckpt",
            modules=("torch", "vggt"),
            hub="Viglong/OriAnyV2_ckpt",
            note="Orient Anything V2 by Z. Wang et al., CC-BY-4.0; its own vggt must be installed.",
        ),
    },
}
CARDS["render_view"] = CARDS["reconstruct"]
FOCAL_MODEL = _SMALL_VIEWS


def choose_card(expert: str, route: str | None, model: str | None) -> tuple[str, ModelCard]:
    """The route's name and card.

    ``model`` names a hub repository: that of one of the routes, or, with a ``route``, another of
    the kind that it loads, of which licence and commit are then unknown. `UserError` for a model
    of no route when none is named: it would be read by whichever loader happens to be the default.
    """
    routes = CARDS[expert]
    if route is not None and route not in routes:
        raise UserError(
            f"the {expert} expert has no route {route!r}; choose from: {', '.join(routes)}"
        )
    if model is None:
        name = route or next(iter(routes))
        return name, routes[name]
    owner = next((name for name, card in routes.items() if _same(card.hub, model)), None)
    if owner is not None and route in (None, owner):
        return owner, routes[owner]
    if owner is not None:
        raise UserError(f"{model} is loaded by the route {owner!r} of {expert}, not by {route!r}")
    if route is None:
        known = ", ".join(f"{name} ({card.model})" for name, card in routes.items())
        raise UserError(
            f"the {expert} expert does not know the model {model!r}; if one of its routes loads "
            f"models of that kind, name that route as well (option `route`): {known}"
        )
    source = f"{_HUB}/{model}"
    licence = f"unknown to this project: see {source}"
    own = replace(
        routes[route],
        model=model,
        hub=model,
        revision=None,
        licence=licence,
        source=source,
        note="",
    )
    return route, own


def own_card(card: ModelCard, name: str, licence: str = "") -> ModelCard:
    """The card of weights that an operator gave by their path: only their file is known, and the
    ``licence`` that the operator states, if any."""
    origin = "where they come from" + ("" if licence else " and under which licence")
    note = f"Weights of the operator's own, read as {card.model} is read; {origin} is unknown here."
    stated = f"{licence} (as the operator states)" if licence else "unknown"
    return replace(card, model=name, hub=None, revision=None, licence=stated, note=note)


def _same(hub: str | None, model: str) -> bool:
    """The hub's names are the same in upper and lower case."""
    return hub is not None and hub.lower() == model.lower()
