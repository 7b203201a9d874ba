"""Scene memory's public names in one place."""

from memory.scenes.records import EvidenceObject, FiledEpisode, Recall
from memory.scenes.store import SceneMemory

__all__ = ["EvidenceObject", "FiledEpisode", "Recall", "SceneMemory"]
