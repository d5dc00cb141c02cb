"""All datasets that can be read: every module here with FACTS and load, found by itself."""

from functools import cache

import workbench.datasets
from workbench.datasets.labelled import Adapter, DatasetFacts
from workbench.registry import Registry, discover


@cache
def adapters() -> Registry[Adapter]:
    """Return the adapters by name.

    Example:
        >>> adapters()["kadid10k"].facts.images
        10125
    """
    found = (
        Adapter(module.FACTS, module.load)
        for module in discover(workbench.datasets)
        if isinstance(getattr(module, "FACTS", None), DatasetFacts)
    )
    return Registry("dataset", {adapter.facts.name: adapter for adapter in found})
