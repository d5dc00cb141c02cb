"""Write attribute sets to files, each of them whole."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from workbench.domain.attributes import AttributeSet, Origin
from workbench.errors import ConfigError
from workbench.files import written_whole
from workbench.store.text.csv_form import csv_text
from workbench.store.text.forms import SUFFIXES, Form
from workbench.store.text.json_form import json_text
from workbench.store.text.yaml_form import yaml_texts

_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


def write_attributes(
    attributes: AttributeSet,
    path: Path,
    *,
    form: Form | None = None,
    calls: Mapping[int, str] | None = None,
    origin: Origin = "import",
) -> list[Path]:
    """Write a set: YAML as one file per distortion into a folder, JSON and CSV as one file.

    Each file is written whole or not at all; a folder file by file.

    Args:
        attributes: The set.
        path: The folder or file; missing folders are made.
        form: The form; without, as the suffix says, and YAML if there is none.
        calls: Number in the store's log to digest of the LLM calls; without, calls are left out.
        origin: The origin that YAML leaves unsaid, since reading assumes it.

    Returns:
        The files written.

    Raises:
        ConfigError: A file cannot be written, or a single file is named for YAML.
        StoreError: An attribute names a call whose digest is not given; nothing was written.
    """
    form = form or SUFFIXES.get(path.suffix.lower(), "yaml")
    if form != "yaml":
        texts = {path: attribute_text(attributes, form, calls=calls)}
    elif path.is_file() or (path.suffix.lower() in SUFFIXES and not path.is_dir()):
        raise ConfigError(
            f"YAML is a file for each distortion, so {path} must be a folder; for one file take "
            "JSON or CSV. Nothing was written."
        )
    else:
        files = yaml_texts(attributes, calls, origin)
        texts = {
            path / f"{_file_name(distortion)}.yaml": text for distortion, text in files.items()
        }
    try:
        for file, text in texts.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(file) as passing:
                passing.write_bytes(text.encode())
    except OSError as fault:
        raise ConfigError(f"Cannot write attributes to {path}: {fault.strerror}.") from fault
    return list(texts)


def attribute_text(
    attributes: AttributeSet,
    form: Form,
    *,
    calls: Mapping[int, str] | None = None,
    origin: Origin = "import",
) -> str:
    """Return a whole set as one text; YAML as a document for each distortion.

    Args:
        attributes: The set.
        form: The form.
        calls: Number in the store's log to digest of the LLM calls; without, calls are left out.
        origin: The origin that YAML leaves unsaid, since reading assumes it.

    Raises:
        StoreError: An attribute names a call whose digest is not given.

    Example:
        >>> print(attribute_text(AttributeSet.from_phrases({"jpeg": ["blocky edges"]}), "yaml"))
        distortion: jpeg
        attributes:
          - phrase: blocky edges
            origin: expert
        <BLANKLINE>
    """
    if form == "json":
        return json_text(attributes, calls)
    if form == "csv":
        return csv_text(attributes, calls)
    return "---\n".join(yaml_texts(attributes, calls, origin).values())


def _file_name(distortion: str) -> str:
    """Return the id; one that a file system may not take or not tell apart, with its digest.

    Example:
        >>> _file_name("gaussian_blur"), _file_name("../Blur")
        ('gaussian_blur', 'Blur-026b6f3e')
    """
    if _PLAIN_NAME.fullmatch(distortion):
        return distortion
    digest = hashlib.sha256(distortion.encode()).hexdigest()[:8]
    return "-".join([*re.findall(r"[A-Za-z0-9_]+", distortion[:60]), digest])
