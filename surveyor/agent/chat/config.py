"""How to reach a model: everything but the key, which lives in an environment variable."""

from __future__ import annotations

import os
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from surveyor.agent.chat.prices import Price
from surveyor.core.errors import UserError
from surveyor.core.untrusted_text import keep_secret


class ChatConfig(BaseModel):
    """One model behind one OpenAI-compatible endpoint.

    ``base_url`` ends where ``/chat/completions`` begins, usually in ``/v1``. ``key_env`` names the
    environment variable that holds the key; the key itself is never stored or logged. A request is
    tried ``attempts`` times within ``patience`` seconds of trying and backing off; one attempt may
    take ``timeout`` seconds. ``images_base`` is a blob server that the endpoint can reach: images
    then go by URL. ``sampling`` goes into the request as it is (temperature, max_tokens, seed).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1, description="Model name, for the chat planner.")
    base_url: str = Field(
        default="https://api.openai.com/v1", description="OpenAI-compatible endpoint."
    )
    key_env: str = Field(
        default="OPENAI_API_KEY", description="Environment variable that holds the endpoint's key."
    )
    attempts: int = Field(default=6, ge=1)
    patience: float = Field(default=300.0, gt=0)
    timeout: float = Field(default=300.0, gt=0)
    backoff: float = Field(default=0.5, ge=0)
    concurrency: int = Field(default=64, ge=1)
    images_base: str | None = None
    price: Price | None = Field(
        default=None,
        description="Dollars per million tokens: input=1.25 output=10 cached=0.1.",
        json_schema_extra={"kind": "table", "metavar": "KEY=VALUE"},
    )
    sampling: dict[str, JsonValue] = Field(
        default_factory=dict, description="Goes into each request: temperature=0."
    )
    capabilities: dict[str, Any] = Field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where requests go."""
        return self.base_url.rstrip("/") + "/chat/completions"

    def headers(self) -> dict[str, str]:
        """Request headers with the key, if the environment has one."""
        if not self.base_url.startswith(("http://", "https://")):
            raise UserError(
                f"the model endpoint {self.base_url!r} must start with http:// or https://"
            )
        key = read_key(self.key_env)
        headers = {"content-type": "application/json"}
        return headers | ({"authorization": f"Bearer {key}"} if key else {})


def read_key(name: str) -> str:
    """The key in the environment variable ``name``, empty without one: the one place where a key
    comes in, so that from here on it is masked wherever text goes.

    Raises `UserError`, which doesn't show the key, for one that can't be sent in a header.
    """
    key = os.environ.get(name, "").strip()
    keep_secret(key)
    for part in key.split():  # also the lines of one that is pasted wrong
        keep_secret(part)
    if "\n" in key or "\r" in key:
        raise UserError(f"the key in {name} holds a line break; set it again, on one line")
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"the key in {name} holds characters that no key has; set it again")
    return key
