"""How a market is made up: cast, true paths, what venues and sources make of them, defects."""
