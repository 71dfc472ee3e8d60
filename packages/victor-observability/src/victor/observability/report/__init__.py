"""Reports over recorded runs, and the conditions that make one fail."""
