"""What is written from the sources' declarations, and what a new source starts from."""
