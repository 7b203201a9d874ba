"""Tools that gather evidence: look, find, cut out, lift to 3D, join views."""
