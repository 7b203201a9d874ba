"""Frame measures, where the scene card looks for them; they are defined in `tools.quality`."""

from __future__ import annotations

from tools.quality import DARK, NOISY, SOFT, FramePixels, decode_luma, measure, overlap

__all__ = ["DARK", "NOISY", "SOFT", "FramePixels", "decode_luma", "measure", "overlap"]
