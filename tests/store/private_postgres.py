"""A PostgreSQL server of the tests' own: a fresh cluster on a loopback port, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pg8000.native

from tests.ports import free_port

ACCOUNT = "postgres"  # PostgreSQL refuses to run as root


def server_binaries() -> Path | None:
    """Return the folder with initdb and pg_ctl, the newest if there are several."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parts[-2])
    if config := shutil.which("pg_config"):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
        folders.insert(0, Path(said.stdout.strip()))
    complete = [
        path for path in folders if (path / "initdb").exists() and (path / "pg_ctl").exists()
    ]
    return complete[-1] if complete else None


@contextmanager
def private_server(binaries: Path, *, demands_tls: bool = False) -> Iterator[int]:
    """Start a cluster in a temporary folder, yield its port, and stop it."""
    home = Path(tempfile.mkdtemp(prefix="workbench-postgres-", dir=_quick_folder()))
    data, port = home / "data", free_port()
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -k {home} -c fsync=off -c shared_buffers=16MB"
    )
    try:
        if os.geteuid() == 0:
            shutil.chown(home, ACCOUNT)
        _as_account(binaries / "initdb", "-D", data, "-U", ACCOUNT, "-A", "trust", "-E", "UTF8",
                    "--no-sync", "--locale=C")  # fmt: skip
        if demands_tls:
            options += " -c ssl=on"
            _sign(data / "server.crt", data / "server.key")
            (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
        _as_account(
            binaries / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start"
        )
        try:
            yield port
        finally:
            _as_account(binaries / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def create_database(port: int, name: str) -> str:
    """Create an empty database and return its URL as a user would write it, without a driver."""
    with closing(_connection(port, "postgres")) as connection:
        connection.run(f'CREATE DATABASE "{name}"')
    return f"postgresql://{ACCOUNT}@127.0.0.1:{port}/{name}"


def _sign(certificate: Path, key: Path) -> None:
    """Make a certificate that its owner has signed."""
    _as_account("openssl", "req", "-new", "-x509", "-nodes", "-days", "2", "-subj", "/CN=x",
                "-out", certificate, "-keyout", key)  # fmt: skip


def _quick_folder() -> Path | None:
    """Return the memory file system if there is room in it: a cluster is 4,000 small files."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 2**30 else None


def _connection(port: int, name: str) -> pg8000.native.Connection:
    return pg8000.native.Connection(
        ACCOUNT, host="127.0.0.1", port=port, database=name, ssl_context=False
    )


def _as_account(*command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["runuser", "-u", ACCOUNT, "--", *words]
    # A server that inherits a pipe keeps it open; so its output goes nowhere.
    subprocess.run(words, check=True, cwd="/", stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
