"""From episodes to candidate skills: evidence, findings, lessons, and the prose around them."""
