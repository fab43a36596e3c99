"""How a source is asked: the plan, the parser that refuses, the shape of what it answers.

Knows no source by name and writes nothing: `pipelines.lake` does.
"""
