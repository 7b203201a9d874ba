"""Running a dataset: configuration, schedule, progress. The runner itself is
`surveyor.benchmarks.runner`."""
