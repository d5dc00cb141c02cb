"""Several questions at once: in order, bounded, and never in the way of a break."""

import signal
import threading
import time

import pytest

from tests.waiting import PATIENCE_S
from workbench.drafting.candidates import in_threads
from workbench.errors import DraftError


@pytest.mark.parametrize("limit", [1, 3, 8])
def test_every_job_comes_back_once_with_what_came_of_it(limit):
    assert sorted(in_threads(range(20), lambda n: n * n, limit)) == [(n, n * n) for n in range(20)]


def test_jobs_start_in_their_order():
    started = []
    assert list(in_threads("abcd", started.append, concurrency=1)) == [
        (one, None) for one in "abcd"
    ]
    assert started == list("abcd")


def test_as_many_run_at_once_as_are_allowed_and_no_more():
    together, running, most = threading.Barrier(3), [], []

    def work(job):
        running.append(job)
        together.wait(PATIENCE_S)  # three of them get here, or nobody goes on
        most.append(len(running))
        running.remove(job)
        together.wait(PATIENCE_S)

    assert len(list(in_threads(range(6), work, concurrency=3))) == 6
    assert max(most) == 3


def test_no_job_needs_no_thread():
    assert list(in_threads([], len, concurrency=4)) == []


def test_an_error_of_ours_is_handed_on_and_stops_no_other():
    fault = DraftError("The server says no.")

    def work(job):
        if job == 1:
            raise fault
        return job

    assert list(in_threads([0, 1, 2], work, concurrency=1)) == [(0, 0), (1, fault), (2, 2)]


@pytest.mark.parametrize("fails", [True, False])
def test_nothing_is_started_after_a_fault_or_when_nobody_listens_any_more(fails):
    started, go_on = [], threading.Event()

    def work(job):
        started.append(job)
        return 1 / (0 if fails else 1) if job == 0 else go_on.wait(PATIENCE_S)

    answers = in_threads(range(10), work, concurrency=1)
    if fails:
        with pytest.raises(ZeroDivisionError):
            next(answers)
    else:
        assert next(answers) == (0, 1.0)
        answers.close()
    go_on.set()
    time.sleep(0.1)
    assert started in ([0], [0, 1])  # the second was perhaps under way already


def test_a_break_does_not_wait_for_jobs_that_say_nothing():
    under_way, answered = threading.Event(), threading.Event()

    def work(_):
        under_way.set()
        return answered.wait()

    def break_off():
        under_way.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    breaking = threading.Thread(target=break_off)
    breaking.start()
    with pytest.raises(KeyboardInterrupt):
        list(in_threads(range(4), work, concurrency=2))
    answered.set()  # after the break: nobody could have waited for it
    breaking.join()
