"""Code as the action: a kernel of the episode in which a model's cells call our tools."""
