"""What pages share, apart from any of them."""

import gc
import weakref

from workbench.app.services import spare_collections


class Knot:
    def __init__(self):
        self.itself = self


def test_what_stays_is_left_out_of_collections_and_new_garbage_is_still_collected():
    try:
        spare_collections()
        assert gc.get_freeze_count() > 100_000  # the modules, above all
        knot = Knot()
        there = weakref.ref(knot)
        spare_collections()  # nothing to do again
        del knot
        gc.collect()
        assert there() is None
    finally:
        gc.unfreeze()
