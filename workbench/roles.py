"""Who acts, and what that person may change: four roles, each with the rights of the one before."""

from typing import Literal, NamedTuple, get_args

from workbench.errors import RoleError
from workbench.event_log import log_event

Role = Literal["viewer", "editor", "reviewer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

Established = Literal["command line", "typed name", "login"]


class Actor(NamedTuple):
    """Who acts.

    Attributes:
        name: Under which everything is recorded.
        role: What this person may change.
        established: How the name is known. Only a login proves it; what is done under one cannot
            be recorded under another name.
    """

    name: str
    role: Role = "admin"
    established: Established = "command line"

    def may(self, needs: Role) -> bool:
        """Tell whether the role suffices for what needs one.

        Example:
            >>> Actor("eva", "editor").may("viewer"), Actor("eva", "editor").may("reviewer")
            (True, False)
        """
        return ROLES.index(self.role) >= ROLES.index(needs)

    def require(self, needs: Role, act: str) -> None:
        """Find out that the role does not suffice, before anything is changed.

        Args:
            needs: The role that the act needs.
            act: What is done, as it follows "to" ("freeze a version").

        Raises:
            RoleError: It does not suffice; says what needs which role, and who grants it.

        Example:
            >>> Actor("eva", "editor").require("reviewer", "freeze a version")
            Traceback (most recent call last):
            workbench.errors.RoleError: To freeze a version takes the role reviewer, and eva is \
an editor. Whoever runs this workbench grants roles. Nothing was changed.
        """
        if not self.may(needs):
            log_event("refused", who=self.name, role=self.role, act=act, needs=needs)
            article = "an" if self.role[0] in "aeiou" else "a"
            raise RoleError(
                f"To {act} takes the role {needs}, and {self.name or 'you'} "
                f"{'is' if self.name else 'are'} {article} {self.role}. Whoever runs this "
                "workbench grants roles. Nothing was changed."
            )

    def sign(self, author: str) -> None:
        """Find out that something would be recorded under another name than that of a login.

        Raises:
            RoleError: It would be.
        """
        if self.established == "login" and author != self.name:
            raise RoleError(
                f"You are logged in as {self.name}, and nothing is recorded under the name "
                f"'{author}'. Nothing was changed."
            )


ANYBODY = Actor("")  # of a store that was opened without saying for whom
