"""Any model can drive it: what the models' group of claims measures."""
