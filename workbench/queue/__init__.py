"""Runs outside the page: the queue's workers, their logs, and experiment files."""
