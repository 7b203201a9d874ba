"""Places: geometry with units, embedded rooms and their truth. Knows no expert, no model."""
