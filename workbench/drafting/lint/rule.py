"""What a rule is, and the registry that finds every one of them by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from workbench.domain.finding import Finding
from workbench.drafting.lint import rules as package
from workbench.drafting.lint.subject import Subject
from workbench.errors import ConfigError
from workbench.registry import Registry, discover

Needs = Literal["words", "text tower", "images"]


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong with an attribute.

    Attributes:
        name: Stable; what `--rule` and `Finding.rule` say.
        says: One line for people: what it finds.
        needs: What must be at hand; a rule without it is left out.
        check: Returns a finding about the subject, or None.
    """

    name: str
    says: str
    needs: Needs
    check: Callable[[Subject], Finding | None]


@cache
def rules() -> Registry[Rule]:
    """Return every rule by name: all that the modules of `rules/` list in `RULES`.

    Raises:
        ConfigError: Two rules share a name.

    Example:
        >>> rules()["too_lon"]
        Traceback (most recent call last):
        workbench.errors.UnknownNameError: Unknown rule 'too_lon'. Did you mean 'too_long'?
    """
    found: dict[str, Rule] = {}
    for module in discover(package):
        for rule in module.RULES:
            if rule.name in found:
                raise ConfigError(f"Two lint rules are called '{rule.name}'; rename one of them.")
            found[rule.name] = rule
    return Registry("rule", found)
