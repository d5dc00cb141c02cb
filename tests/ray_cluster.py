"""Work over many items on a real Ray cluster of this machine; `make ray`.

It starts a cluster of its own, which takes the time of some hundred tests; so it is none of them.
"""

import os
import time

import pytest

from tests.datasets import generating
from tests.datasets.generating import CHOSEN, make
from tests.inference.conftest import encoder, photographs, save
from workbench.datasets.generation.parallel import each_in_parallel
from workbench.errors import DataError
from workbench.queue.ray_executor import each_on_ray
from workbench.settings import read_settings
from workbench.workflow.spreading import score_over, spread

__all__ = ["encoder", "photographs", "save"]  # a model that was trained, and images to score

AT_LEAST = 1.7  # times as fast are two workers as one


@pytest.fixture(scope="module")
def cluster():
    """The address of a cluster with two cores."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    head = {"num_cpus": 2, "include_dashboard": False}
    running = Cluster(initialize_head=True, head_node_args=head)
    yield running.address
    running.shutdown()


def content(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def test_a_set_has_the_same_bytes_and_two_workers_are_nearly_twice_as_fast(cluster, tmp_path):
    folder = generating.photographs(tmp_path / "photographs")
    options = {"count": 4000, "distortions": CHOSEN, "max_distortions": 6, "scores": ("haarpsi",)}
    took = {}
    for workers in (1, 2):
        with each_on_ray(cluster, at_once=workers) as each:
            # Processes start and load what metrics need on first use: seconds, whatever follows.
            make(folder, tmp_path / f"first by {workers}", each=each, **options | {"count": 400})
            begun = time.monotonic()
            make(folder, tmp_path / f"by {workers}", each=each, **options)
            took[workers] = time.monotonic() - begun
    make(folder, tmp_path / "here", **options)
    expected = content(tmp_path / "here")
    assert len(expected) > options["count"]
    assert content(tmp_path / "by 1") == content(tmp_path / "by 2") == expected
    print(f"\none worker {took[1]:.1f} s, two {took[2]:.1f} s: {took[1] / took[2]:.2f} x")
    assert took[1] / took[2] >= AT_LEAST


def test_scores_are_those_of_one_process_to_the_last_digit(cluster, save, photographs):
    saved = save()
    expected = list(saved.model.score_all([photographs]))
    with spread("ray", address=cluster) as each:
        assert list(score_over(each, saved.folder, [str(photographs)], read_settings())) == expected


def refuse(item):
    raise DataError(f"{item} cannot be used.")


def vanish(_item):
    os._exit(1)


def test_what_goes_wrong_there_is_one_line_here(cluster):
    with each_on_ray(cluster) as each:
        with pytest.raises(DataError, match=r"7 cannot be used\."):
            list(each(refuse, [7]))
        with pytest.raises(DataError, match="An item failed: the cluster could not do it: Value"):
            list(each(int, ["x"]))
        with pytest.raises(DataError, match="died again and again"):
            list(each(vanish, [1]))
    assert list(each_in_parallel(abs, [-1], workers=1)) == [1]
