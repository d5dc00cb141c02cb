"""Lint: what is doubtful about an attribute, with the reason and a way out.

    probe = load_probe(encoder, distortions, cache=settings.cache)     made once, then read
    lint(attributes, catalogue, text=encoder, probe=probe, polarity=…)     a whole set
    lint_phrase("softer edges", "jpeg", among, catalogue, …)               one, as it is typed

A rule is a function in `rules/`; it is found by itself. It returns a `Finding` or None, and
changes nothing.
"""

from workbench.drafting.lint.draft_lint import DraftLint
from workbench.drafting.lint.linting import RememberedTexts, lint, lint_phrase, response_of
from workbench.drafting.lint.probe import Curve, Probe, Response
from workbench.drafting.lint.probe_set import load_probe, load_scores, missing_from_probe
from workbench.drafting.lint.rule import Rule, TextTower, rules

__all__ = [
    "Curve",
    "DraftLint",
    "Probe",
    "RememberedTexts",
    "Response",
    "Rule",
    "TextTower",
    "lint",
    "lint_phrase",
    "load_probe",
    "load_scores",
    "missing_from_probe",
    "response_of",
    "rules",
]
