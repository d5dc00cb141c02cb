"""Reading a bundle, which is judged whole before any of it is used."""

from pathlib import Path

from workbench.errors import IntegrityError, StoreError
from workbench.store.bundle.archive import unpack
from workbench.store.bundle.checking import check_bundle
from workbench.store.bundle.contents import Bundle
from workbench.store.bundle.members import bundle_of


def read_bundle(path: Path) -> Bundle:
    """Return what a bundle holds, once every hash, seal and digest in it has been checked.

    Args:
        path: The file.

    Raises:
        StoreError: It cannot be read or is no zip.
        IntegrityError: It is damaged, unsafe, of another format, or does not hold together.
    """
    try:
        bundle = bundle_of(unpack(path))
        check_bundle(bundle)
    except StoreError as fault:
        kind = IntegrityError if isinstance(fault, IntegrityError) else StoreError
        raise kind(f"The bundle {path} cannot be used: {fault}. None of it was used.") from fault
    return bundle
