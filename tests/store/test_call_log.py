import hashlib
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InvalidConfigError, StoreError
from workbench.store.call_log import call_line, calls_of, read_log, write_log

from .store_examples import NOON, a_call

CALLS = [
    a_call().model_copy(update={"cost_usd": 1e-17, "completion_tokens": 5}),
    a_call(reply="", error="the server broke off", sample=1),
    a_call(reply='{"é": "\u2028 \x00 \U0001f4f7"}\r\n', sample=2),
    a_call(sample=3).model_copy(update={"created_at": NOON + timedelta(microseconds=1)}),
    a_call(sample=4).model_copy(
        update={
            "sent": {"max_completion_tokens": 1152},
            "finish_reason": "length",
            "reasoning": "Blocks? \x00 \U0001f4f7",
            "form": "list",
        }
    ),
]


def bare(calls):
    return [call.model_copy(update={"id": None}) for call in calls]


def test_an_imported_log_is_the_exported_one_in_all_but_numbers(store, tmp_path):
    write_log(tmp_path / "log.jsonl", CALLS)
    read = read_log(tmp_path / "log.jsonl")
    assert read == CALLS
    logged = store.calls.add_all(read)
    assert bare(reversed(store.calls.list())) == CALLS
    write_log(tmp_path / "again.jsonl", logged)
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "log.jsonl").read_bytes()
    lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    digests = [json.loads(line)["digest"] for line in lines]
    assert list(store.calls.digests([call.id for call in logged]).values()) == digests
    assert store.verify() == []


def test_a_call_without_details_has_the_line_that_it_always_had():
    line = call_line(a_call())
    assert hashlib.sha256(line.encode()).hexdigest() == (
        "be898d2f4a2b1cbbec9c3c396a817dee043bbeccdaec5519a2b7cad51b390149"
    )


def test_the_digest_covers_what_was_sent(tmp_path):
    line = call_line(CALLS[-1]).replace("1152", "1153")
    with pytest.raises(InvalidConfigError, match="does not match its digest"):
        calls_of(line.encode(), "log")


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(0, 1e9))
def test_any_reply_survives_a_log(reply, latency):
    call = a_call(reply=reply).model_copy(update={"latency_s": latency})
    assert calls_of(call_line(call).encode(), "log") == [call]


def test_every_faulty_line_is_named_and_the_whole_refused(tmp_path):
    good = call_line(CALLS[0])
    more = json.dumps(json.loads(good) | {"mood": 1})
    lines = [
        good,
        good.replace("blocky", "blurry"),
        "{",
        "[]\n",
        more,
        good.replace("1e-17", "NaN"),
    ]
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(line.strip() for line in lines) + "\n\xff", encoding="latin-1")
    with pytest.raises(InvalidConfigError) as refused:
        read_log(file)
    assert refused.value.faults == (
        "line 2: it is not what was logged: it does not match its digest",
        "line 3: it is no JSON object of a call",
        "line 4: it is no JSON object of a call",
        "line 5: mood: no such field",
        "line 6: it is no JSON object of a call",
        "line 7: it is no JSON object of a call",
    )


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(StoreError, match=r"Cannot read the log .*none\.jsonl: No such file"):
        read_log(tmp_path / "none.jsonl")
    with pytest.raises(StoreError, match=r"Cannot write the log .*: No such file"):
        write_log(tmp_path / "no" / "log.jsonl", CALLS)
