"""The research bench: what factors and grades were worth, and how sure one can be of it."""
