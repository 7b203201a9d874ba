"""Environment variables that deployments set: read in this one place, validated, and told.

The names are those of the Skill-3D frame, so that its scripts start Surveyor unchanged. What is
typed or stands in a file goes over them, and they over the defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.errors import UserError
from surveyor.services.contract import Endpoints, ExpertEndpoint

SERVERS: Final[Mapping[str, tuple[str, ...]]] = {
    "DETECTION_SERVER_URL": ("detect",),
    "SEGMENTATION_SERVER_URL": ("segment",),
    "DEPTH_SERVER_URL": ("depth",),
    "PI3_SERVER_URL": ("reconstruct", "render_view"),
    "SWINIR_SERVER_URL": ("restore",),
    "ORIENT_ANYTHING_SERVER_URL": ("orient",),
}
"""Which experts each names. `PI3_SERVER_URL` draws views of what it reconstructs."""
SETTINGS: Final = {"RETRIEVAL_TOP_K": "top_k", "MAX_WORKERS": "concurrency"}
"""Variables that are a field of `RunConfig`."""
IMAGES: Final = "IMAGE_BASE_PATH"
BACKEND: Final = "environment"
"""What endpoints from the environment call what stands behind them."""


class Surroundings(BaseModel):
    """What the environment says. ``settings`` are fields of `RunConfig`, ``servers`` base URLs by
    variable, ``images`` the folder in which `surveyor load` looks for pictures."""

    model_config = ConfigDict(frozen=True)

    settings: dict[str, int] = Field(default_factory=dict)
    servers: dict[str, str] = Field(default_factory=dict)
    images: Path | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Validated; empty variables count as unset. `UserError` names the variable that is wrong
        and shows what it may hold."""
        given = {name: text.strip() for name, text in environ.items() if text.strip()}
        settings = {
            field: _setting(name, field, given[name])
            for name, field in SETTINGS.items()
            if name in given
        }
        servers = {name: _url(name, given[name]) for name in SERVERS if name in given}
        images = Path(given[IMAGES]) if IMAGES in given else None
        if images is not None and not images.is_dir():
            raise UserError(f"{IMAGES}={images} is no folder; set the one that holds the pictures")
        return cls(settings=settings, servers=servers, images=images)

    def under(self, base: RunConfig) -> RunConfig:
        """``base`` with the settings that it leaves at their defaults."""
        unsaid = {k: v for k, v in self.settings.items() if k not in base.model_fields_set}
        return base.model_copy(update=unsaid)

    def endpoints(self) -> Endpoints | None:
        """Where the experts answer, or ``None`` when no server is named."""
        experts = tuple(
            ExpertEndpoint(expert=expert, url=url, pid=0, backend=BACKEND)
            for name, url in self.servers.items()
            for expert in SERVERS[name]
        )
        return Endpoints(supervisor=0, experts=experts) if experts else None

    def used(self, config: RunConfig, *, servers: bool) -> dict[str, str]:
        """The variables that decide something of a run with this configuration, for its manifest
        and its first lines."""
        taken = {
            name: str(self.settings[field])
            for name, field in SETTINGS.items()
            if self.settings.get(field) == getattr(config, field)
        }
        return taken | (self.servers if servers else {})


def told(used: Mapping[str, str]) -> Iterator[str]:
    """One line for each variable that is used."""
    for name, value in used.items():
        what = SETTINGS.get(name) or ", ".join(SERVERS[name])
        yield f"from the environment: {name}={value} ({what})"


def _setting(name: str, field: str, text: str) -> int:
    try:
        made = RunConfig.model_validate({"dataset": "-", field: text})
    except ValidationError as error:
        says = error.errors()[0]["msg"][:1].lower() + error.errors()[0]["msg"][1:]
        raise UserError(f"{name}={text[:40]} in the environment: {says}") from None
    return int(getattr(made, field))


def _url(name: str, text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        bare = not (parts.query or parts.fragment or parts.username)
    except ValueError:
        good = bare = False
    if not (good and bare):
        raise UserError(
            f"{name} in the environment is no base URL; set it as http://HOST:PORT of a running "
            f"expert (`surveyor serve url {SERVERS[name][0]}` prints one)"
        )
    return text.rstrip("/")
