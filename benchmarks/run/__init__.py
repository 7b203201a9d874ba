"""Running a suite: configuration, schedule, progress. The runner itself is `benchmarks.runner`."""
