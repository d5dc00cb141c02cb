"""Ratios against stated references, measured side by side in one run."""
