"""Splits that never divide a photograph: made here, published, official, kept in files.

split             the value: rows of training, validation and test
grouped           made here, by group and seed
split_files       JSON locked to the images it divides; arrays and lists that others published
run_splits        those of a run
leakage           the check that fails loudly
near_duplicates   one photograph under two names
"""
