"""Comparisons, matrices and runs as people read them: tables, plots and pages."""
