"""Splits that never divide a photograph: made here, published, official, kept in files.

split             the value: rows of training, validation and test
grouped           made here, by group and seed
published         arrays and lists that others published
files             kept as JSON, locked to the images they were made of
leakage           the check that fails loudly
near_duplicates   one photograph under two names (with picture_features)
"""
