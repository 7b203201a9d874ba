"""Scene memory's public names in one place."""

from surveyor.memory.scenes.records import EvidenceObject, FiledEpisode, Recall
from surveyor.memory.scenes.store import SceneMemory

__all__ = ["EvidenceObject", "FiledEpisode", "Recall", "SceneMemory"]
