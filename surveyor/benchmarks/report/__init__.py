"""A run's report: its numbers as a record, and the page that shows them."""
