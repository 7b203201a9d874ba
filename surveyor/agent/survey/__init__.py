"""One call that looks at a place the way a skill says: `survey`."""
