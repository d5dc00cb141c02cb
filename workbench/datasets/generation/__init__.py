"""Multi-distortion sets, made from photographs (METHOD §4).

plan        what each image will be
sources     the photographs, checked before anything is written
chunk       the part of the work that a process does at a time
parallel    the processes
generator   all of it, in order; read this first
manifest    one row an image, and the dataset card
"""
