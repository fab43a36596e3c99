"""A market in a box: dataset folders, their generator, and a server of the sources' formats."""
