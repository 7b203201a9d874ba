"""Views of a random reconstruction."""

from __future__ import annotations

from pathlib import Path

from surveyor.services.neural.render_view import NeuralRenderView
from surveyor.services.neural.tiny.base import TinyExpert
from surveyor.services.neural.tiny.da3 import write_any_view


class TinyRenderView(TinyExpert, NeuralRenderView):
    """Looks at 112 pixels."""

    longest = 112

    def write(self, folder: Path) -> None:
        write_any_view(folder)
