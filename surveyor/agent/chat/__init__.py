"""The chat planner: any model behind an OpenAI-compatible endpoint."""
