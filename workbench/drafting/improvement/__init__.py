"""Improve attributes: what was measured of each sentence goes back to the language model.

    parts = PhotographParts.of(files)              search, validation, test: split by photograph
    bench = Bench(search_probe, catalogue, …)      what a sentence does, measured at once
    found = search(attributes, bench, ask, …)      better sentences, and how many were tried

A search is given the photographs of its own part alone; another part's cannot be read from it.
"""

from workbench.domain.objective import DEFAULT_OBJECTIVE, Objective
from workbench.drafting.improvement.measuring import Bench, Evidence
from workbench.drafting.improvement.parts import PhotographParts, PhotographsOfPart

__all__ = [
    "DEFAULT_OBJECTIVE",
    "Bench",
    "Evidence",
    "Objective",
    "PhotographParts",
    "PhotographsOfPart",
]
