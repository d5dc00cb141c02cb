"""Bundles: versions with the evidence behind them, in one file that another store can import.

bundle = export_bundle(store, Path("best.zip"), ["best"])
report = import_bundle(other_store, Path("best.zip"), author="bob")
"""

from workbench.store.bundle.contents import Bundle
from workbench.store.bundle.exporting import export_bundle
from workbench.store.bundle.importing import Imported, import_bundle, read_bundle

__all__ = ["Bundle", "Imported", "export_bundle", "import_bundle", "read_bundle"]
