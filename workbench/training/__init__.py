"""Tuning an image tower to attributes, and the regressor from attributes to quality."""
