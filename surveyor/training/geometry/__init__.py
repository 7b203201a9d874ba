"""Views and their geometry beside a language model: features, a projector, its training."""
