"""Distortion types that somebody added as data.

What an id means never changes under attributes and results that name it: a recipe is never
rewritten, and it can be removed only while neither the draft nor a version has attributes for it.
Triggers in the migrations say the same to whoever comes past this module.
"""

import builtins
from collections.abc import Sequence

from pydantic import ValidationError
from sqlmodel import Session, col, select

from workbench.domain.canonical import canonical_json
from workbench.domain.distortion import Distortion, Recipe
from workbench.errors import IntegrityError, StoreError, UnknownNameError
from workbench.registry import Registry
from workbench.store.audit import record
from workbench.store.database import Database
from workbench.store.tables import (
    DraftAttributeRow,
    RecipeRow,
    VersionAttributeRow,
    VersionRow,
    utc_now,
)


class RecipeRepository:
    """The recipes, by id.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, recipe: Recipe, *, author: str) -> None:
        """Store a recipe; one that is there with the same content stays as it is.

        Args:
            recipe: What to add.
            author: Who adds it.

        Raises:
            InvalidConfigError: It cannot be used here; names every fault.
            StoreError: The id is taken by a recipe of other content.
        """
        from workbench.distortions import parse_recipe

        others = tuple(other for other in self.list() if other.id != recipe.id)
        parse_recipe(recipe.model_dump(mode="json"), f"Recipe '{recipe.id}'", others)
        with self._database.writing() as session:
            row = session.get(RecipeRow, recipe.id)
            if row is None:
                session.add(_row(recipe, author))
                _record(session, "add", recipe, author)
            elif row.hash != recipe.hash:
                raise StoreError(
                    f"There is another recipe '{recipe.id}' already, of {row.author}, and what an "
                    "id means must not change under attributes and results. Give yours another "
                    f"id, or first 'workbench distortions remove {recipe.id}'. Nothing was changed."
                )

    def get(self, id: str) -> Recipe:
        """Return one recipe.

        Raises:
            UnknownNameError: There is none of this id; the message names the nearest.
            IntegrityError: It is no longer what was added.
        """
        with self._database.reading() as session:
            return _value(_found(session, id))

    def list(self) -> builtins.list[Recipe]:
        """Return all recipes, by id.

        Raises:
            IntegrityError: One of them is no longer what was added.
        """
        with self._database.reading() as session:
            rows = session.exec(select(RecipeRow)).all()
            return [_value(row) for row in sorted(rows, key=lambda row: row.id)]

    def catalogue(self) -> Registry[Distortion]:
        """Return every distortion that is known here: the built-in ones and the recipes."""
        from workbench.distortions import catalogue

        return catalogue(tuple(self.list()))

    def remove(self, id: str, *, author: str) -> None:
        """Remove a recipe that nothing names; the record keeps it.

        Args:
            id: Which recipe.
            author: Who removes it.

        Raises:
            UnknownNameError: There is none of this id.
            StoreError: The draft or a version has attributes for it.
        """
        with self._database.writing() as session:
            row = _found(session, id)
            _refuse_held(session, row)
            _record(session, "remove", _value(row), author)
            session.delete(row)


def _row(recipe: Recipe, author: str) -> RecipeRow:
    return RecipeRow(
        id=recipe.id,
        document=canonical_json(recipe.model_dump(mode="json")),
        hash=recipe.hash,
        author=author,
        created_at=utc_now(),
    )


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


def _found(session: Session, id: str) -> RecipeRow:
    row = session.get(RecipeRow, id)
    if row is None:
        raise UnknownNameError("recipe", id, session.exec(select(RecipeRow.id)))
    return row


def _refuse_held(session: Session, row: RecipeRow) -> None:
    drafted = session.exec(
        select(DraftAttributeRow.id).where(DraftAttributeRow.distortion == row.id)
    ).all()
    frozen = session.exec(
        select(VersionRow.hash)
        .join(VersionAttributeRow, col(VersionAttributeRow.version_id) == VersionRow.id)
        .where(VersionAttributeRow.distortion == row.id)
        .distinct()
    ).all()
    if frozen:
        raise StoreError(
            f"The recipe '{row.id}' cannot be removed: {_versions(frozen)} attributes for it, and "
            "its results must keep their meaning. Nothing was changed."
        )
    if drafted:
        raise StoreError(
            f"The recipe '{row.id}' cannot be removed: the draft has {len(drafted)} of its "
            "attributes. Remove these first. Nothing was changed."
        )


def _versions(hashes: Sequence[str]) -> str:
    first = f"version {min(hashes)[:10]}"
    others = len(hashes) - 1
    return f"{first} has" if not others else f"{first} and {others} more have"


def _record(session: Session, action: str, recipe: Recipe, author: str) -> None:
    state = {"before" if action == "remove" else "after": recipe.model_dump(mode="json")}
    record(session, action, f"recipe:{recipe.id}", author=author, **state)
