"""The local server's own process: serve one GGUF file until the parent closes our standard input.

It is run as a script and imports nothing of the workbench. Standard input brings one JSON line
{"gguf", "name", "key", "threads", "context"}; standard output answers with one JSON line {"url"}
once the model is loaded. The end of standard input means that the parent has left or died: stop.
"""

import ctypes
import json
import os
import signal
import sys
import threading
from typing import Any


def serve() -> None:
    """Load the model, announce the address, and wait for the end of standard input."""
    _die_with_parent()
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # llama.cpp prints to standard output too; that goes to the log instead
    task = json.loads(sys.stdin.readline())
    # Loading can take a while, so the watch begins before it. It ends the process without any
    # clean-up of llama.cpp's, which hangs while a request is being answered.
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    import xllamacpp

    server = xllamacpp.Server(_parameters(xllamacpp, task))
    answer.write(json.dumps({"url": server.listening_address}) + "\n")
    answer.flush()
    threading.Event().wait()


def _parameters(xllamacpp: Any, task: dict[str, Any]) -> Any:
    """Return llama.cpp's parameters for answers that can be repeated bit for bit."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = task["gguf"]
    parameters.model_alias = {task["name"]}  # what the server gives as the model that answered
    parameters.api_keys = [task["key"]]  # nobody else on this machine can use the server
    parameters.n_ctx = task["context"]
    parameters.n_parallel = 1  # one request at a time: no batching with a neighbour's tokens
    parameters.cpuparams.n_threads = task["threads"]
    parameters.cpuparams_batch.n_threads = task["threads"]
    parameters.n_gpu_layers = 0
    parameters.fit_params = False  # or it would fit itself to the memory that happens to be free
    parameters.cache_prompt = False
    parameters.cache_ram_mib = 0
    parameters.ui = False
    parameters.warmup = False
    return parameters


def _leave_with_parent() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


def _die_with_parent() -> None:
    """Ask Linux for SIGKILL when the parent dies: a second line behind the watched input."""
    if sys.platform != "linux":
        return
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    serve()
