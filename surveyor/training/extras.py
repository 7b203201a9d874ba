"""Libraries that only training needs, looked for when they are needed."""

from __future__ import annotations

import importlib
from types import ModuleType

from surveyor.core.errors import UserError
from surveyor.services.neural.runtime import fit_torchvision


def need(name: str, package: str = "'.[train]'") -> ModuleType:
    """A module of the ``train`` extra, or of ``package``; `UserError` says how to get it.

    Transformers imports a torchvision that it finds, and fails on one that does not fit torch.
    """
    try:
        if name.partition(".")[0] in ("transformers", "trl", "peft"):
            fit_torchvision(importlib.import_module("torch"))
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"training needs {name.partition('.')[0]} ({error}); install it with "
            f"`pip install {package}`"
        ) from None
