"""How good a run is, and whether another attribute set is really better: figures, never opinions.

`correlation` and `identification` hold the metrics of METHOD §2 as pure functions, `bootstrap`
and `inference` what one may conclude from few photographs, `comparison` the versions side by side,
`wording`, `plots` and `report` what people read.
"""
