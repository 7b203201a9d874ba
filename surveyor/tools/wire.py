"""The parts of the experts' wire contract that evidence is made of, for the layers above."""

from surveyor.services.contract import Box, Endpoints, Mask, Phrase

__all__ = ["Box", "Endpoints", "Mask", "Phrase"]
