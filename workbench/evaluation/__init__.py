"""How good a run is, and whether another attribute set is really better: figures only."""
