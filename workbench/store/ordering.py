"""The order of a distortion's attributes in the draft."""

from workbench.store.drafted import Change, Drafted, touched

MOVE, MAKE_ROOM = "move", "make room"  # what the record calls it


def moved(rows: list[Drafted], row: Drafted, place: int, author: str) -> list[Change]:
    """Return the changes that give a row another place.

    The row that moves is a new state of it ("move"). Those that make room only stand elsewhere
    ("make room"), which contradicts nobody's edit of their words.

    Args:
        rows: All rows of the distortion, in order.
        row: The one that moves.
        place: Its new place in that order, from 0.
        author: Who moves it.
    """
    order = [other for other in rows if other.id != row.id]
    order.insert(place, row)
    changes = []
    for other, position in zip(order, _ascending(rows), strict=True):
        if other.position == position:
            continue
        if other.id == row.id:
            changes.append(Change(MOVE, other, touched(other, author, position=position)))
        else:
            changes.append(Change(MAKE_ROOM, other, other._replace(position=position)))
    return changes if order != rows else []


def _ascending(rows: list[Drafted]) -> list[int]:
    """Return the rows' own positions, made distinct: a removal undone may have left two alike."""
    positions: list[int] = []
    for row in rows:
        last = positions[-1] if positions else row.position - 1
        positions.append(max(row.position, last + 1))
    return positions
