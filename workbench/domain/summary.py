"""What lists of versions show, without the attributes themselves."""

from datetime import datetime

from pydantic import Field

from workbench.domain.base import Frozen


class VersionSummary(Frozen):
    """A frozen version without its content; reading it checks no hash.

    Attributes:
        hash: 64 hexadecimal digits.
        message: Why it was frozen.
        author: Who froze it.
        created_at: When, in UTC.
        parent: Hash of the version that it was edited from, if any.
        merged: Hash of the version that was merged into the parent's line, if any.
        aliases: Names that point at it now.
        size: Number of its attributes.
    """

    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    message: str
    author: str
    created_at: datetime
    parent: str | None = None
    merged: str | None = None
    aliases: tuple[str, ...] = ()
    size: int

    @property
    def label(self) -> str:
        """What people read: the first alias, or the first ten digits of the hash."""
        return self.aliases[0] if self.aliases else self.hash[:10]
