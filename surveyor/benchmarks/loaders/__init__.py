"""Local files of published benchmarks, made into datasets.

A loader reads a benchmark's own files and frames and writes a dataset folder: tasks on the public
side, targets in the scorer's field names on the hidden one, frames as the bytes they came in.
`surveyor.benchmarks.loaders.registry` names all loaders.
"""
