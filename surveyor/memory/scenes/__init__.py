"""Scene memory: episodes and evidence, filed by scene."""
