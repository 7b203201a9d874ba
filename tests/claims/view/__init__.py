"""What the claims of the viewer and of `ask` measure."""
