from tests.datasets.conftest import built

__all__ = ["built"]
