"""Distortion types that somebody added as data.

What an id means never changes under attributes and results that name it: a recipe is never
rewritten, and it can be removed only while neither the draft nor a version has attributes for it.
Triggers in the migrations say the same to whoever comes past this module.
"""

import builtins
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError
from sqlmodel import Session, col, select

from workbench.domain.canonical import canonical_json
from workbench.domain.distortion import Distortion, Recipe
from workbench.errors import IntegrityError, StoreError, UnknownNameError
from workbench.registry import Registry
from workbench.store.audit import record
from workbench.store.database import Repository
from workbench.store.tables import (
    DraftAttributeRow,
    RecipeRow,
    VersionAttributeRow,
    VersionRow,
    utc_now,
)


class RecipeUse(NamedTuple):
    """What names a recipe, so that it can neither be removed nor take another meaning.

    Attributes:
        drafted: Number of its attributes in the draft.
        versions: Hashes of the versions that have attributes for it.
    """

    drafted: int
    versions: tuple[str, ...]


class RecipeRepository(Repository):
    """The recipes, by id."""

    def add(self, recipe: Recipe, *, author: str, replace: bool = False) -> None:
        """Store a recipe; one that is there with the same content stays as it is.

        Args:
            recipe: What to store.
            author: Who adds it.
            replace: Take the place of a recipe of other content that nothing names.

        Raises:
            InvalidConfigError: It cannot be used here; names every fault.
            StoreError: The id is taken by a recipe of other content.
        """
        from workbench.distortions import parse_recipe

        others = tuple(other for other in self.list() if other.id != recipe.id)
        parse_recipe(recipe.model_dump(mode="json"), f"Recipe '{recipe.id}'", others)
        with self._database.writing() as session:
            row = session.get(RecipeRow, recipe.id)
            if row is not None and row.hash == recipe.hash:
                return
            if row is not None and replace:
                _remove(session, row, author)
                session.flush()
            elif row is not None:
                raise StoreError(
                    f"There is another recipe '{recipe.id}' already, of {row.author}, and what an "
                    "id means must not change under attributes and results. Give yours another "
                    f"id, or first 'workbench distortions remove {recipe.id}'. Nothing was changed."
                )
            add_recipe(session, recipe, author=author, at=utc_now())

    def get(self, id: str) -> Recipe:
        """Return one recipe.

        Raises:
            UnknownNameError: There is none of this id; the message names the nearest.
            IntegrityError: It is no longer what was added.
        """
        with self._database.reading() as session:
            return _value(_existing(session, id))

    def list(self) -> builtins.list[Recipe]:
        """Return all recipes, by id."""
        with self._database.reading() as session:
            rows = session.exec(select(RecipeRow)).all()
            return [_value(row) for row in sorted(rows, key=lambda row: row.id)]

    def catalogue(self) -> Registry[Distortion]:
        """Return every distortion that is known here: the built-in ones and the recipes."""
        from workbench.distortions import catalogue

        return catalogue(tuple(self.list()))

    def use(self, id: str) -> RecipeUse:
        """Return what names a type of this id: attributes of the draft, and versions."""
        with self._database.reading() as session:
            return _use(session, id)

    def remove(self, id: str, *, author: str) -> None:
        """Remove a recipe that nothing names; the record keeps it.

        Raises:
            UnknownNameError: There is none of this id.
            StoreError: The draft or a version has attributes for it.
        """
        with self._database.writing() as session:
            _remove(session, _existing(session, id), author)


def _remove(session: Session, row: RecipeRow, author: str) -> None:
    _refuse_used(session, row)
    before = _value(row).model_dump(mode="json")
    record(session, "remove", f"recipe:{row.id}", author=author, before=before)
    session.delete(row)


def add_recipe(session: Session, recipe: Recipe, *, author: str, at: datetime) -> None:
    """Insert and record a recipe that is not there yet."""
    fields = recipe.model_dump(mode="json")
    session.add(
        RecipeRow(
            id=recipe.id,
            document=canonical_json(fields),
            hash=recipe.hash,
            author=author,
            created_at=at,
        )
    )
    record(session, "add", f"recipe:{recipe.id}", author=author, after=fields, at=at)


def _value(row: RecipeRow) -> Recipe:
    try:
        recipe = Recipe.model_validate_json(row.document)
    except ValidationError as fault:
        raise IntegrityError(_tampered(row)) from fault
    if recipe.hash != row.hash or recipe.id != row.id:
        raise IntegrityError(_tampered(row))
    return recipe


def _tampered(row: RecipeRow) -> str:
    return (
        f"The recipe '{row.id}' is no longer what {row.author} added: it does not match its hash. "
        "Restore the database from a copy."
    )


def _existing(session: Session, id: str) -> RecipeRow:
    row = session.get(RecipeRow, id)
    if row is None:
        raise UnknownNameError("recipe", id, session.exec(select(RecipeRow.id)))
    return row


def _use(session: Session, id: str) -> RecipeUse:
    drafted = session.exec(
        select(DraftAttributeRow.id).where(DraftAttributeRow.distortion == id)
    ).all()
    frozen = session.exec(
        select(VersionRow.hash)
        .join(VersionAttributeRow, col(VersionAttributeRow.version_id) == VersionRow.id)
        .where(VersionAttributeRow.distortion == id)
        .distinct()
    ).all()
    return RecipeUse(len(drafted), tuple(sorted(frozen)))


def _refuse_used(session: Session, row: RecipeRow) -> None:
    drafted, frozen = _use(session, row.id)
    if frozen:
        raise StoreError(
            f"The recipe '{row.id}' cannot be removed: {_versions(frozen)} attributes for it, and "
            "its results must keep their meaning. Nothing was changed."
        )
    if drafted:
        raise StoreError(
            f"The recipe '{row.id}' cannot be removed: the draft has {drafted} of its "
            "attributes. Remove these first. Nothing was changed."
        )


def _versions(hashes: Sequence[str]) -> str:
    first = f"version {min(hashes)[:10]}"
    more = len(hashes) - 1
    return f"{first} has" if not more else f"{first} and {more} more have"
