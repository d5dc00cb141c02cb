"""The attribute workbench for explainable image quality assessment."""
