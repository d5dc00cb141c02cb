"""Frozen values and their canonical form; no input or output, no torch."""
