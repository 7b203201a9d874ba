"""Fields that had another name in files of earlier versions."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator


def reads_old(**names: str) -> Any:
    """A validator that takes a field under its old name: ``_old = reads_old(suite="dataset")``."""

    def renamed(_cls: type[Any], data: Any) -> Any:
        if not isinstance(data, dict) or not names.keys() & data.keys():
            return data
        return {names.get(key, key): value for key, value in data.items()}

    return model_validator(mode="before")(classmethod(renamed))  # type: ignore[arg-type]
