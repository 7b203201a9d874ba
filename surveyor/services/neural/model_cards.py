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
        "pi3x": ModelCard(
            model="yyfz233/Pi3X",
            licence="code BSD-3-Clause, weights CC-BY-NC-4.0",
            files=("model.safetensors",),
            source=f"{_HUB}/yyfz233/Pi3X",
            modules=("torch", "pi3"),
            hub="yyfz233/Pi3X",
        ),
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
    """The route's name and card; ``model`` names a hub repository: that of another route, or one
    of the same kind as the chosen route's, of which licence and commit are then unknown.
    """
    routes = CARDS[expert]
    name = route or next(iter(routes))
    if name not in routes:
        raise UserError(
            f"the {expert} expert has no route {name!r}; choose from: {', '.join(routes)}"
        )
    card = routes[name]
    if model is None or model == card.hub:
        return name, card
    for other_name, other in routes.items():
        if other.hub == model:
            return other_name, other
    source = f"{_HUB}/{model}"
    licence = f"unknown to this project: see {source}"
    own = replace(
        card, model=model, hub=model, revision=None, licence=licence, source=source, note=""
    )
    return name, own
