"""Serving small models by the chat API, without a serving engine."""
