"""Where experts answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from pydantic import ValidationError

from surveyor.core.errors import ServiceUnavailable, UserError
from surveyor.core.untrusted_text import keep_secret
from surveyor.core.wording import closest, first_problem
from surveyor.services.contract import Endpoints


class EndpointSource(Protocol):
    """Says where experts are *now*; asked again whenever one refuses a connection."""

    def read(self) -> Endpoints:
        """The current endpoints; `ServiceUnavailable` when nothing serves."""
        ...


@dataclass(frozen=True, slots=True)
class FixedEndpoints:
    """Endpoints that never move."""

    endpoints: Endpoints

    def read(self) -> Endpoints:
        return self.endpoints


@dataclass(frozen=True, slots=True)
class EndpointsFile:
    """The file that ``surveyor serve up`` writes and its supervisor keeps up to date."""

    path: Path

    @classmethod
    def named(cls, path: Path) -> Self:
        """The file that a person names now; `UserError` where it is none, as they can mend it."""
        file = cls(path)
        try:
            file.read()
        except ServiceUnavailable as error:
            raise UserError(str(error)) from None
        return file

    def read(self) -> Endpoints:
        try:
            return Endpoints.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            raise ServiceUnavailable(
                f"no experts are running ({self.path} does not exist); start them with "
                "`surveyor serve up`"
            ) from None
        except (OSError, ValidationError) as error:
            why = first_problem(error) if isinstance(error, ValidationError) else error.strerror
            raise ServiceUnavailable(
                f"{self.path} is not an endpoints file ({why}); give the one that `surveyor serve "
                "up` writes, or start the experts again with it"
            ) from None


def url_of(endpoints: Endpoints, expert: str) -> str:
    """Base URL of one expert, without a trailing slash."""
    for endpoint in endpoints.experts:
        if endpoint.expert == expert:
            return endpoint.url.rstrip("/")
    served = sorted(endpoint.expert for endpoint in endpoints.experts)
    hint = closest(expert, served) or f"; running now: {', '.join(served) or 'nothing'}"
    raise ServiceUnavailable(f"no expert serves {expert!r}{hint}")


def token_of(endpoints: Endpoints) -> str | None:
    """The bearer token, when the experts were started with one."""
    if endpoints.token_file is None:
        return None
    try:
        token = Path(endpoints.token_file).read_text().strip()
    except OSError as error:
        raise ServiceUnavailable(f"cannot read the experts' token: {error}") from error
    keep_secret(token)
    return token
