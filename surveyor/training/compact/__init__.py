"""The compact agent: a small model from scratch whose tokenizer is a language of slots."""
