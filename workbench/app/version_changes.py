"""What differs between two versions, side by side and word by word, and who descends from whom."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

import streamlit as st
from markupsafe import Markup, escape

from workbench.app.markup import html_table
from workbench.app.widgets import escaped
from workbench.domain.attributes import AttributeSet
from workbench.domain.difference import Change, difference, word_changes
from workbench.domain.lineage import VersionSummary
from workbench.domain.number_format import count_text

A_PAGE = 100  # attributes
GENERATIONS, MOST_NODES = 6, 60  # of a lineage that is drawn

T = TypeVar("T")


@st.cache_resource(show_spinner=False, max_entries=16)
def _known_difference(
    _before: AttributeSet, _after: AttributeSet, known_as: tuple[str, ...]
) -> dict[str, Change]:
    del known_as  # with which the answer changes
    return difference(_before, _after)


class Pair(NamedTuple):
    """An attribute on both sides; None where a side lacks it.

    Attributes:
        before: Its words on the left.
        after: Its words on the right.
        note: What else became of it, in words.
    """

    before: str | None
    after: str | None
    note: str = ""

    @property
    def is_same(self) -> bool:
        """Whether nothing became of it."""
        return self.before == self.after and not self.note


def aligned(before: Sequence[str], after: Sequence[str], change: Change | None) -> list[Pair]:
    """Return the attributes of one distortion on both sides, in the right side's order.

    Args:
        before: Phrases on the left.
        after: Phrases on the right.
        change: What differs; None if nothing does.

    Example:
        >>> change = difference(
        ...     AttributeSet.from_phrases({"jpeg": ["blocky edges", "rings"]}),
        ...     AttributeSet.from_phrases({"jpeg": ["rings", "dull"]}),
        ... )["jpeg"]
        >>> [pair[:2] for pair in aligned(["blocky edges", "rings"], ["rings", "dull"], change)]
        [('rings', 'rings'), (None, 'dull'), ('blocky edges', None)]
    """
    if change is None:
        return [Pair(phrase, phrase) for phrase in after]
    old = {new: old for old, new in change.reworded}
    moved = {move.after: move for move in change.moved}
    pairs = []
    for phrase in after:
        if phrase in moved:
            move = moved[phrase]
            pairs.append(Pair(move.before, phrase, f"moved here from {move.source}"))
        elif phrase in change.added:
            pairs.append(Pair(None, phrase))
        else:
            place = "stands elsewhere in the list" if phrase in change.reordered else ""
            pairs.append(Pair(old.get(phrase, phrase), phrase, place))
    return pairs + [Pair(phrase, None) for phrase in before if phrase in change.removed]


def show_side_by_side(
    before: AttributeSet,
    after: AttributeSet,
    *,
    titles: tuple[str, str],
    names: Mapping[str, str],
    known_as: tuple[str, ...] = (),
) -> None:
    """Show two sets side by side: what left struck out, what came underlined.

    Args:
        before: The one on the left.
        after: The one on the right.
        titles: What people call them.
        names: Id of a distortion to its name.
        known_as: What tells these two contents from all others; with it, what differs is found
            once and remembered.
    """
    changes = _known_difference(before, after, known_as) if known_as else difference(before, after)
    only = st.toggle("Only differences", value=True, key="only", bind="query-params")
    if not changes:
        st.info("The two hold the same attributes in the same order.")
        if only:
            return
    else:
        st.markdown(escaped(_summary(changes)))
    ids = list(changes) if only else sorted({*before.by_distortion, *after.by_distortion})
    old, new = before.phrases(), after.phrases()
    pairs = [
        (names.get(id, id), pair)
        for id in ids
        for pair in aligned(old.get(id, ()), new.get(id, ()), changes.get(id))
        if not (only and pair.is_same)
    ]
    shown = page_of(pairs, A_PAGE, key="changes-page")
    firsts = first_of_each(name for name, _ in shown)
    rows = [(name, *_cells(pair)) for name, (_, pair) in zip(firsts, shown, strict=True)]
    st.html(html_table("", ("Distortion", *titles), rows, widths=(18, 41, 41)))


def page_of(
    items: Sequence[T], size: int, *, key: str, bind: Literal["query-params"] | None = None
) -> Sequence[T]:
    """Return the items of one page, and let the page be chosen where there are several.

    Args:
        items: All of them.
        size: Of a page.
        key: Of the widget.
        bind: Whether the address says the page.
    """
    pages = -(-len(items) // size)
    page = st.pagination(pages, key=key, bind=bind) if pages > 1 else 1
    return items[(page - 1) * size : page * size]


def first_of_each(names: Iterable[str]) -> Iterator[str]:
    """Return the names, empty where one repeats the one before.

    Example:
        >>> list(first_of_each(["blur", "blur", "noise"]))
        ['blur', '', 'noise']
    """
    before = None
    for name in names:
        yield "" if name == before else name
        before = name


def _summary(changes: Mapping[str, Change]) -> str:
    moved = sum(len(change.moved) for change in changes.values())
    counts = {
        "added": sum(len(change.added) for change in changes.values()) - moved,
        "removed": sum(len(change.removed) for change in changes.values()) - moved,
        "reworded": sum(len(change.reworded) for change in changes.values()),
        "moved to another distortion": moved,
        "reordered": sum(len(change.reordered) for change in changes.values()),
    }
    parts = [f"{count:,} {word}" for word, count in counts.items() if count]
    verb = "differs" if len(changes) == 1 else "differ"
    return f"{count_text(len(changes), 'distortion')} {verb}: {', '.join(parts)}."


def _cells(pair: Pair) -> tuple[Markup, Markup]:
    note = Markup("<small>{}</small>").format(pair.note) if pair.note else Markup("")
    if pair.before is None or pair.after is None:
        left = Markup("<del>{}</del>").format(pair.before) if pair.before else Markup("")
        right = Markup("<ins>{}</ins>").format(pair.after) if pair.after else Markup("")
        return left, right + note
    if pair.before == pair.after:
        return escape(pair.before), escape(pair.after) + note
    parts = list(word_changes(pair.before, pair.after))
    return _side(parts, "removed", "del"), _side(parts, "added", "ins") + note


def _side(parts: Sequence[tuple[str, str]], kind: str, tag: str) -> Markup:
    return Markup(" ").join(
        Markup(f"<{tag}>{{}}</{tag}>").format(words) if part == kind else escape(words)
        for part, words in parts
        if part in ("same", kind)
    )


def show_lineage(versions: Sequence[VersionSummary], chosen: str) -> None:
    """Draw the versions around one: what it was edited from, and what was edited from it.

    Args:
        versions: All, newest first.
        chosen: Hash of the one that stands out.
    """
    near = _around(versions, chosen)
    st.graphviz_chart(_dot(near, chosen), width="content", alt=_words(near))
    hidden = len(versions) - len(near)
    rest = f" {count_text(hidden, 'version')} further away." if hidden else ""
    st.caption(f"{count_text(len(near), 'version')} around the chosen one, each a link.{rest}")


def _around(versions: Sequence[VersionSummary], chosen: str) -> list[VersionSummary]:
    """Return the nearest relatives of a version, itself included, newest first."""
    by_hash = {version.hash: version for version in versions}
    children: dict[str, list[str]] = {}
    for version in versions:
        for parent in _parents(version):
            children.setdefault(parent, []).append(version.hash)
    kept, edge = {chosen}, [chosen]
    for _ in range(GENERATIONS):
        edge = [
            near
            for hash in edge
            for near in (*_parents(by_hash[hash]), *children.get(hash, ()))
            if near in by_hash and near not in kept
        ]
        if len(kept) + len(edge) > MOST_NODES:
            break
        kept.update(edge)
    return [version for version in versions if version.hash in kept]


def _parents(version: VersionSummary) -> Iterator[str]:
    return (hash for hash in (version.parent, version.merged) if hash)


def _dot(versions: Sequence[VersionSummary], chosen: str) -> str:
    """Return the graph in Graphviz's language; every text in it is quoted."""
    there = {version.hash for version in versions}
    lines = [
        "digraph {",
        "rankdir=LR;",
        'bgcolor="transparent"; nodesep=0.15; ranksep=0.3;',
        'node [shape=box, style=rounded, fontname="sans-serif", fontsize=11, height=0.3];',
        "edge [arrowsize=0.6];",
    ]
    for version in versions:
        link = f"./versions?version={version.hash[:12]}&view=Lineage"
        more = ", penwidth=3" if version.hash == chosen else ""
        lines.append(
            f"{dot_text(version.hash)} [label={dot_text(version.label)}, URL={dot_text(link)}, "
            f'target="_self", tooltip={dot_text(version.message)}{more}];'
        )
        for parent in _parents(version):
            if parent in there:
                dashed = " [style=dashed]" if parent == version.merged else ""
                lines.append(f"{dot_text(parent)} -> {dot_text(version.hash)}{dashed};")
    return "\n".join([*lines, "}"])


def dot_text(text: str) -> str:
    r"""Return a text as Graphviz reads it literally.

    Example:
        >>> print(dot_text('a "b" \\N'))
        "a \"b\" \\N"
    """
    plain = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain.replace("&", "&amp;")}"'


def _words(versions: Sequence[VersionSummary]) -> str:
    """Return the graph in words, for who cannot see it."""
    labels = {version.hash: version.label for version in versions}
    edges = [
        f"{version.label} was edited from "
        + " and ".join(labels.get(hash, hash[:10]) for hash in _parents(version))
        for version in versions
        if any(_parents(version))
    ]
    return "; ".join(edges) or "One version without relatives"
