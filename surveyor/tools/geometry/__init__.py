"""Pure functions over arrays: no handles, no experts, no files."""
