"""Real rooms as a scanner left them: one mesh, labelled boxes, walls; filmed as ours are."""
