"""Every error the workbench raises on purpose, drawn as one tree.

    WorkbenchError
    ├── ConfigError
    │   ├── UnknownNameError        a name that no registry or store knows; says what was meant
    │   └── InvalidConfigError      every fault of a configuration at once
    ├── DraftError
    │   ├── TemplateError           a prompt template that cannot be rendered
    │   ├── LLMRequestError         the language model could not be reached or refused
    │   └── DraftParseError         the reply is no list of K attributes; keeps the raw reply
    ├── StoreError
    │   ├── StoreUnreachableError   the server does not answer, or not any more
    │   ├── VersionNotFoundError
    │   ├── FrozenVersionError      an attempt to change what is frozen
    │   ├── IntegrityError          content no longer matches its hash
    │   └── EditConflictError       somebody else edited the same row first
    ├── DataError
    │   ├── DatasetNotFoundError    where it looked, how to obtain it
    │   ├── CorruptImageError
    │   └── SplitLeakageError       one photograph on both sides of a split
    ├── RoleError               the act takes a higher role
    ├── ShapeError
    └── RunError
        ├── TrainingDivergedError   epoch and loss
        ├── CheckpointMismatchError
        └── RunCancelledError

A message is one plain line: what was expected, what was found, where, and what to do next.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

MOST_CHARACTERS = 4_000  # of a message, whatever a file that it quotes holds
MOST_FAULTS = 50  # that are named
_NAME = 80  # characters of a name that nobody knows
_END = 400  # characters of a long message's end, which says what to do


class WorkbenchError(Exception):
    """Something could not be done, and the message tells the user what to do about it.

    A long message is cut in its middle.
    """

    def __init__(self, message: str = "") -> None:
        if len(message) > MOST_CHARACTERS:
            message = f"{message[: MOST_CHARACTERS - _END]} … {message[-_END:]}"
        super().__init__(message)


class ConfigError(WorkbenchError):
    """A setting, name or configuration is not usable."""


class UnknownNameError(ConfigError):
    """No such name; the message offers the nearest one.

    Args:
        kind: What was looked up, in the singular ("encoder").
        name: The name that was given.
        known: All names that would have been right.

    Example:
        >>> print(UnknownNameError("encoder", "vit_b32", ["ViT-B-32", "offline"]))
        Unknown encoder 'vit_b32'. Did you mean 'ViT-B-32'?
        >>> print(UnknownNameError("metric", "?", ["vsi", "fsim"]))
        Unknown metric '?'. Known: fsim, vsi.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        folded = {_fold(candidate): candidate for candidate in self.known}
        near = get_close_matches(_fold(name[:_NAME]), folded, n=1, cutoff=0.6)
        if near:
            hint = f"Did you mean '{folded[near[0]]}'?"
        elif self.known:
            hint = f"Known: {_some(self.known)}."
        else:
            hint = "There is none yet."
        shown = name if len(name) <= _NAME else f"{name[:_NAME]}…"
        super().__init__(f"Unknown {kind} '{shown}'. {hint}")


class InvalidConfigError(ConfigError):
    """A configuration with one or more faults, all named.

    Args:
        where: The file or command that held the configuration.
        faults: One line per fault, each starting with the field's path; the first 50 are kept.

    Example:
        >>> print(InvalidConfigError("demo.yaml", ["seed: is missing", "mood: no such field"]))
        demo.yaml has 2 faults: seed: is missing; mood: no such field.
    """

    def __init__(self, where: str, faults: Sequence[str]) -> None:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        self.where, self.faults = where, (*faults[:MOST_FAULTS], *more)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{where} has {count}: {'; '.join(self.faults)}.")


class DraftError(WorkbenchError):
    """Attributes could not be drafted."""


class TemplateError(DraftError):
    """A prompt template is missing a variable or is not valid Jinja."""


class LLMRequestError(DraftError):
    """The language model could not be reached, refused, or broke off."""


class DraftParseError(DraftError):
    """The model's reply holds no K usable attributes.

    Args:
        message: What is wrong with the reply and what to do.
        reply: The raw reply, kept whole for the log.
    """

    def __init__(self, message: str, reply: str) -> None:
        self.reply = reply
        super().__init__(message)


class StoreError(WorkbenchError):
    """The attribute store refused or failed."""


class StoreUnreachableError(StoreError):
    """The database server does not answer; what was asked for may be asked for again."""


class VersionNotFoundError(StoreError):
    """No frozen version answers to this hash prefix or alias."""


class FrozenVersionError(StoreError):
    """A frozen version cannot be changed; freeze a new one."""


class IntegrityError(StoreError):
    """Stored content no longer matches the hash it was frozen under."""


class EditConflictError(StoreError):
    """The row was changed by somebody else after it was read."""


class DataError(WorkbenchError):
    """Images or score tables are not usable."""


class DatasetNotFoundError(DataError):
    """A dataset is not where it was looked for."""


class CorruptImageError(DataError):
    """A file is no readable image."""


class SplitLeakageError(DataError):
    """One photograph is on both sides of a split."""


class RoleError(WorkbenchError):
    """The act takes a higher role than whoever asks for it has."""


class ShapeError(WorkbenchError):
    """Two arrays do not fit; the message states both shapes."""


class RunError(WorkbenchError):
    """A run could not be finished."""


class TrainingDivergedError(RunError):
    """The loss is no longer a finite number."""


class CheckpointMismatchError(RunError):
    """A checkpoint belongs to another encoder or attribute set."""


class RunCancelledError(RunError):
    """The user cancelled the run."""


def _fold(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _some(names: Sequence[str], limit: int = 8) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
