"""The torch side of an adapter: libraries, device, number format, threads."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import UserError
from surveyor.services.settings import Settings

_FORMATS = ("float32", "bfloat16", "float16")
_KEPT: list[Any] = []  # operator libraries live as long as their object


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where and in which number format a model runs. ``device`` is a ``torch.device``."""

    device: Any
    format: str

    @classmethod
    def of(cls, settings: Settings) -> Runtime:
        """Check the operator's wishes against what is there; `UserError` when they do not fit."""
        torch = import_torch(settings.threads)
        chosen = settings.options.get("dtype", "float32")
        if chosen not in _FORMATS:
            raise UserError(f"dtype is one of {', '.join(_FORMATS)}, not {chosen!r}")
        try:
            device = torch.device(settings.device)
        except RuntimeError:
            raise UserError(
                f"there is no device {settings.device!r}; use cpu, cuda or cuda:N"
            ) from None
        if device.type == "cuda" and not torch.cuda.is_available():
            raise UserError(
                f"device {settings.device!r} was asked for, but torch sees no GPU here; "
                "use device cpu, or install a CUDA build of torch"
            )
        return cls(device, chosen)

    @contextmanager
    def inference(self) -> Iterator[None]:
        """No gradients; mixed precision where a lower format was asked for."""
        import torch

        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            if self.format != "float32":
                dtype = getattr(torch, self.format)
                stack.enter_context(torch.autocast(self.device.type, dtype=dtype))
            yield

    def tensor(self, values: NDArray[Any]) -> Any:
        """An array on the device."""
        import torch

        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, non_blocking=True)


def array(tensor: Any) -> NDArray[np.float32]:
    """A tensor as float32 on the CPU, whatever its format and device."""
    values: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return values


def require(expert: str, modules: tuple[str, ...], route: str | None = None) -> None:
    """`UserError` unless all modules can be imported here."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        which = f" --route {route}" if route else ""
        raise UserError(
            f"the neural expert {expert!r} needs {', '.join(missing)}, not installed in this "
            f"environment; make one that has them with `surveyor serve env {expert}{which}`"
        )


def user_class(module: str, name: str, package: str, source: str) -> Any:
    """A class of a package that users install themselves; `UserError` when theirs has none."""
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"the package {package} that is installed here cannot be used ({error}); install "
            f"{source} at a commit that has {module}.{name}"
        ) from None


def import_torch(threads: int = 1) -> Any:
    """Torch, limited to ``threads`` CPU threads, with torchvision made importable."""
    import torch

    torch.set_num_threads(threads)
    fit_torchvision(torch)
    return torch


def pretrained(kind: Any, folder: Path, **arguments: Any) -> Any:
    """A transformers model in eval mode; `UserError` when the checkpoint lacks any of its weights.

    Upstream initialises what is missing at random and only warns: answers would be noise.
    """
    model, report = kind.from_pretrained(folder, output_loading_info=True, **arguments)
    lacking = sorted({*report["missing_keys"], *report["mismatched_keys"]})
    if lacking:
        raise UserError(
            f"{folder} is no checkpoint of a {kind.__name__}: {len(lacking)} of its weights are "
            f"missing or of another shape, such as {lacking[0]}"
        )
    return model.eval()


def tensors_of(file: Path) -> dict[str, Any]:
    """A checkpoint's weights by name; nothing but tensors is unpickled. `UserError` when it is
    none."""
    import torch

    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(file))
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - whatever a parser stumbles over
        reason = str(error).split("\n", 1)[0][:200]
        raise UserError(f"{file} cannot be read as a checkpoint ({reason})") from None
    if not isinstance(state, dict):
        raise UserError(f"{file} is no checkpoint of weights")
    return state


def filled(network: Any, file: Path, state: dict[str, Any] | None = None) -> Any:
    """The network with every weight from ``file`` (or ``state``, if that was read before);
    `UserError` when they are another network's."""
    try:
        network.load_state_dict(tensors_of(file) if state is None else state)
    except RuntimeError as error:
        why = " ".join(str(error).split())[:200]
        raise UserError(f"{file} holds the weights of another network ({why})") from None
    return network


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Model libraries warn about their own internals while they load; nobody here can act on it."""
    os.environ.setdefault("DA3_LOG_LEVEL", "WARN")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def quiet() -> None:
    """Keep progress bars of loading out of a service's log."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def fit_torchvision(torch: Any) -> None:
    """Let torchvision's CUDA wheel, the only one there is for Linux, load beside a CPU torch.

    Its compiled operators cannot be loaded there and its Python code refuses to be imported when
    they are not even declared. Nothing here calls them. Its `roi_align` then falls back to plain
    torch, which would be compiled by g++ on first use: for one call that is slower by far.
    """
    if torch.version.cuda is not None or find_spec("torchvision") is None:
        return
    if _KEPT or hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEPT.append(library)
    os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
