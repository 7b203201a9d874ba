"""Running a training on machines of one's own: memory, nodes, shards."""
