"""The neural adapters on small random models: the real code path, and answers without meaning."""
