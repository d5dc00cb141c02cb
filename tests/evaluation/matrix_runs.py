"""Runs that were tried on other data, with figures made up or computed from the factory's."""

from workbench.domain.metrics import Undefined
from workbench.domain.run import SplitFigures, Transfer

from .comparison_factory import make_run, with_result

NO_TYPE = Undefined(undefined="no images")


def on_dataset(run, dataset, digest="d"):
    """Return the run as if its images were of that data set."""
    terms = run.result.protocol.model_copy(
        update={"dataset": dataset, "data_hash": digest * 64, "target": f"MOS of {dataset}"}
    )
    known = with_result(run, protocol=terms)
    return known if run.result.splits else with_splits(known, [run.result.quality.srcc])


def tried_on(run, dataset, digest, *, noise, shared=True, zero_shot=None):
    """Return the run with a transfer to other data; figures are those of a noisier run."""
    other = on_dataset(make_run(99, noise=noise, seed=7), dataset, digest).result
    terms = other.protocol.model_copy(
        update={"distortions": other.protocol.distortions[:2] if shared else ()}
    )
    one = Transfer(
        protocol=terms,
        identification=other.identification if shared else None,
        all_clean=other.all_clean if shared else None,
        frozen=other.quality,
        zero_shot=zero_shot or other.quality.model_copy(update={"srcc": -0.12}),
        predictions=other.predictions,
    )
    return with_result(run, transfers=(*run.result.transfers, one))


def with_splits(run, srcc):
    """Return the run with a split for each SRCC."""
    result = run.result
    splits = tuple(
        SplitFigures(
            name=f"split {number}",
            images=10,
            quality=result.quality.model_copy(update={"srcc": value}),
            identification=result.identification,
        )
        for number, value in enumerate(srcc)
    )
    return with_result(run, splits=splits)


def paper_runs():
    """Return runs on KADID-10k and TID2013, each tried on the other, and on CSIQ or LVQ."""
    first = on_dataset(make_run(3, noise=0.05), "KADID-10k", "a")
    first = with_splits(first, [0.9, 0.95, 0.91, 0.94])
    first = tried_on(first, "TID2013", "b", noise=0.2)
    first = tried_on(first, "CSIQ", "c", noise=0.4)
    second = on_dataset(make_run(4, noise=0.1, seed=2), "TID2013", "b")
    second = tried_on(second, "KADID-10k", "a", noise=0.3)
    return first, tried_on(second, "LVQ", "e", noise=0.5, shared=False)
