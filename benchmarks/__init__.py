"""Speed and memory, never as a timed test: machines are shared. Run: make bench."""
