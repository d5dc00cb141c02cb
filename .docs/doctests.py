"""Show `Example:` in docstrings as code: griffe knows that section as `Examples:` only."""

import re

import griffe


class Doctests(griffe.Extension):
    """Rename the section wherever a docstring has it."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Called for every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(
                r"^Example:$", "Examples:", obj.docstring.value, flags=re.M
            )
