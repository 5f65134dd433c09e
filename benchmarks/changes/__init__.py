"""How often `kaanalysis diff` calls a number changed where nothing has changed, and how surely it sees what has: a study over simulated
companies. `python -m benchmarks.changes` writes CHANGES.md."""
