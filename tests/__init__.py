"""The tests: a package of our own, so that no installed one of this name is taken for it."""
