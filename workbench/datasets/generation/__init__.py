"""Multi-distortion sets, made from photographs (METHOD §4).

plan        what each image will be
sources     the photographs, looked at before anything is written
chunk       the part of the work that a process does at a time
parallel    the processes
generator   all of it, in order; read this first
manifest    one row an image
card        the dataset card
files       files that are there whole or not at all
"""
