"""The door of the store: open a database and find its repositories."""

from types import TracebackType

from workbench.store.calls import CallRepository
from workbench.store.comments import CommentRepository
from workbench.store.database import Database
from workbench.store.draft import DraftRepository
from workbench.store.history import HistoryRepository
from workbench.store.looks import LookRepository
from workbench.store.migrate import migrate
from workbench.store.recipes import RecipeRepository
from workbench.store.record import RecordRepository
from workbench.store.runs import RunRepository
from workbench.store.verification import find_tampering
from workbench.store.versions import VersionRepository


class Store:
    """An open store; use it as a context manager, or close it.

    One store may be shared by the threads of a process, not by its forks.

    Attributes:
        url: The URL it was opened with, for another process to open the same.
        calls: The log of LLM calls.
        draft: The working draft.
        versions: The frozen versions.
        record: Who did what, and undoing it.
        comments: What people say about attributes.
        history: What became of one attribute.
        looks: The looks at locked test parts.
        runs: The queue of runs.
        recipes: The distortion types that were added as data.

    Args:
        url: SQLAlchemy URL as it was given.
        database: The database behind it, at this program's schema.
    """

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self._database = database
        self.calls = CallRepository(database)
        self.draft = DraftRepository(database)
        self.versions = VersionRepository(database)
        self.record = RecordRepository(database)
        self.comments = CommentRepository(database)
        self.history = HistoryRepository(database)
        self.looks = LookRepository(database)
        self.runs = RunRepository(database)
        self.recipes = RecipeRepository(database)

    def verify(self) -> list[str]:
        """Go through every table once and say what is no longer what was recorded.

        Returns:
            One plain line for each thing that was altered, taken out or put in by other means than
            the workbench's. Who rewrites everything, hashes included, is not found by it: compare
            the hash of a version, or `record.digest()`, with what was noted elsewhere.
        """
        with self._database.reading() as session:
            return find_tampering(session)

    def close(self) -> None:
        """Close every connection; a second time does nothing."""
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_store(url: str) -> Store:
    """Open a store, creating its folder and file, and bring it to this program's schema.

    Args:
        url: SQLAlchemy URL of an SQLite file or a PostgreSQL database.

    Raises:
        StoreError: It cannot be opened or written, is no workbench database, or is a newer
            program's; the one line says which, and what to do.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from workbench.domain.attributes import AttributeSet
        >>> blocky = AttributeSet.from_phrases({"jpeg": ["blocky edges"]})
        >>> with TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/w.db") as store:
        ...     version = store.versions.freeze(blocky, message="first", author="ann")
        ...     store.versions.get(version.hash[:8]).attributes.phrases()
        {'jpeg': ('blocky edges',)}
    """
    database = Database(url)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return Store(url, database)
