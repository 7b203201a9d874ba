"""Neural experts: one adapter per expert, with real weights or as tiny random models.

Nothing here imports torch when it is imported: heavy libraries load inside ``load``. The backend
``neural`` serves real weights that the operator fetched; ``tiny`` runs the same adapters on the
same model classes with a small random configuration, so that every line runs on a CPU.
"""
