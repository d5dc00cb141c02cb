"""The figures of a report, a file each: a drawing, its words and its numbers."""
