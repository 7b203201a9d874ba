"""Rows in the formats that trainers read."""
