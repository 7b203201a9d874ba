"""Libraries that only training needs, looked for when they are needed."""

from __future__ import annotations

import importlib
from types import ModuleType

from surveyor.core.errors import UserError


def need(name: str) -> ModuleType:
    """A module of the ``train`` extra; `UserError` says how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"training needs {name.partition('.')[0]} ({error}); install it with "
            "`pip install '.[train]'`"
        ) from None
