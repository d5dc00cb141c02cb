"""Known faults of what the locks pin: `python -m tests.audit`, a part of `make check`.

pip-audit asks the index's service. Where that cannot be reached, or knows nothing of a package, it
is said and nothing fails: a fault that is found does.
"""

import json
import subprocess
import sys

LOCK = "requirements/server.lock"


def main() -> int:
    """Print what was found; 1 if a pinned version has a known fault."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--requirement", LOCK, "--no-deps"),
            *("--disable-pip", "--progress-spinner", "off", "--format", "json"),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = next(iter(reversed(done.stderr.strip().splitlines())), "no answer")
        print(f"audit: nothing was checked, the service cannot be reached: {reason[:200]}")
        return 0
    skipped = [each["name"] for each in found if "skip_reason" in each]
    faulty = [each for each in found if each.get("vulns")]
    for each in faulty:
        names = ", ".join(fault["id"] for fault in each["vulns"])
        print(f"audit: {each['name']} {each['version']}: {names}")
    print(f"audit: {len(found) - len(skipped)} of {len(found)} packages checked", end="")
    print(f"; the service here knows nothing of {len(skipped)}" if skipped else "")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
