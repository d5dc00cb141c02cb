"""One run's work: its images, its trainings fold by fold and as a whole, other data, the record."""
