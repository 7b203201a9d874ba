"""A Perceiver between views and a language model: latents that attend to all views at once.

Each view brings its tokens and one more, made of its geometry (or of a learnt vector that says that
none is known). Views that are left out are masked, not averaged in.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.geometry_tokens import WIDTH
from surveyor.training.extras import need


class ProjectorShape(BaseModel):
    """``latents`` vectors of ``width`` come out of ``layers`` of attention; ``features`` is the
    width of the tokens that go in, ``hidden`` that of the language model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: int = Field(ge=1)
    hidden: int = Field(ge=1)
    latents: int = Field(default=128, ge=1)
    width: int = Field(default=512, ge=8)
    layers: int = Field(default=6, ge=1)
    heads: int = Field(default=8, ge=1)


def make_projector(shape: ProjectorShape) -> Any:
    """A `torch.nn.Module`: ``forward(tokens (B, V, T, features), geometry (B, V, WIDTH), known (B,
    V), shown (B, V))`` gives (B, latents, hidden)."""
    torch = need("torch")
    nn = torch.nn

    class Layer(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            w = shape.width
            self.before, self.after = nn.LayerNorm(w), nn.LayerNorm(w)
            self.look = nn.MultiheadAttention(w, shape.heads, batch_first=True)
            self.think = nn.Sequential(nn.Linear(w, 4 * w), nn.GELU(), nn.Linear(4 * w, w))

        def forward(self, latents: Any, seen: Any, hidden: Any) -> Any:
            asked = self.before(latents)
            found, _ = self.look(asked, seen, seen, key_padding_mask=hidden, need_weights=False)
            latents = latents + found
            return latents + self.think(self.after(latents))

    class Perceiver(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            w = shape.width
            self.token = nn.Linear(shape.features, w)
            self.geometry = nn.Sequential(nn.Linear(WIDTH, w), nn.GELU(), nn.Linear(w, w))
            self.unknown = nn.Parameter(torch.zeros(w))
            self.latents = nn.Parameter(0.02 * torch.randn(shape.latents, w))
            self.norm = nn.LayerNorm(w)
            self.layers = nn.ModuleList(Layer() for _ in range(shape.layers))
            self.out = nn.Linear(w, shape.hidden)
            # Starts as small as a language model's own embeddings are.
            nn.init.normal_(self.out.weight, std=0.02 / w**0.5)
            nn.init.zeros_(self.out.bias)

        def forward(self, tokens: Any, geometry: Any, known: Any, shown: Any) -> Any:
            batch, views, count, _ = tokens.shape
            place = self.geometry(geometry)
            place = torch.where(known[..., None] > 0, place, self.unknown)
            # A view's tokens are told where they were seen from, and its place stands beside them.
            seen = self.token(tokens) + place[:, :, None]
            seen = self.norm(torch.cat([seen, place[:, :, None]], dim=2).flatten(1, 2))
            hidden = (shown <= 0)[:, :, None].expand(batch, views, count + 1).flatten(1, 2)
            latents = self.latents.expand(batch, -1, -1)
            for layer in self.layers:
                latents = layer(latents, seen, hidden)
            return self.out(latents)

    return Perceiver()
