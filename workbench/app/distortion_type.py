"""The page of one distortion type: how it looks, what is near, its attributes, who found it."""

import math
from functools import partial

import streamlit as st
from markupsafe import Markup

from workbench.app.distortion_pictures import (
    EXAMPLE,
    PART_SIZE,
    at_full_size,
    level_strip,
    own,
    packaged,
    part_of,
)
from workbench.app.identity import signed
from workbench.app.markup import html_data_table, html_list, picture_of_pixels
from workbench.app.photograph_scores import LARGEST_MB, Photograph
from workbench.app.services import Session, current_session
from workbench.app.widgets import announce, escaped, heading, show_errors
from workbench.datasets.image_reader import SUFFIXES
from workbench.datasets.photographs import PACKAGED
from workbench.distortions import recipe_text
from workbench.domain.data_table import Column, DataTable, Value
from workbench.domain.distortion import Distortion, Recipe
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import count_text
from workbench.errors import WorkbenchError
from workbench.report.wording import access_sentences
from workbench.workflow.distortions import FoundInRun, found_in_runs, near_types, runs_with_type

OWN = "my own"
BETWEEN = "between"
NAMED = 3  # versions that are spelled out
_FOUND = "how runs found types"  # where a session keeps the figures that it was shown

_STRIP = Markup(
    "<style>.wb-strip {{ display: grid; gap: 0.7rem;"
    " grid-template-columns: repeat(auto-fit, minmax(7.2rem, 16rem)); }}</style>"
    '<div class="wb-strip">{}</div>'
)
_EXACT = Markup(
    "<style>.wb-exact {{ display: flex; flex-wrap: wrap; gap: 1rem; }}"
    ".wb-exact img {{ max-width: none; image-rendering: pixelated; }}</style>"
    '<div class="wb-exact">{}</div>'
)


def show_type(id: str, *, title: str) -> None:
    """Show one type.

    Args:
        id: As the URL names it; there may be none.
        title: Of the page, if there is none.
    """
    try:
        session = current_session()
        specs = session.store.recipes.catalogue()
        spec = specs[id]
    except WorkbenchError:
        heading(title, "")
        with show_errors():
            _back()
            raise
    heading(escaped(spec.name), escaped(spec.explanation))
    _back()
    st.markdown(_facts(spec))
    with show_errors():
        recipes = tuple(recipe for recipe in session.store.recipes.list() if recipe.id == id)
        _acts(session, spec, recipes)
        if recipes:
            _steps(session, recipes[0])
        if spec.has_operator:
            _pictures(spec, recipes)
        else:
            st.info("It is known in words only: no image can be made with it here.")
        _near(near_types(specs, id))
        _attributes(session, spec)
        _runs(session, spec)


def _back() -> None:
    st.button("All distortions", icon=":material/arrow_back:", on_click=leave, type="tertiary")


def leave() -> None:
    """Return to the gallery, as it was searched and filtered."""
    for parameter in ("type", "new", "edit"):
        st.query_params.pop(parameter, None)


def open_type(id: str) -> None:
    """Go to a type."""
    leave()
    st.query_params["type"] = id


def _facts(spec: Distortion) -> str:
    facts = [spec.group.capitalize(), spec.source, f"id {spec.id}"]
    if spec.stochastic:
        facts.append("drawn at random, from a seed")
    return " · ".join(escaped(fact) for fact in facts if fact)


def _acts(session: Session, spec: Distortion, recipes: tuple[Recipe, ...]) -> None:
    """Offer what can be done to a type: any can be copied, an added one edited and removed."""
    with st.container(horizontal=True):
        st.button("Duplicate", icon=":material/content_copy:", on_click=_go, args=("new", spec.id))
        if not recipes:
            return
        st.button("Edit", icon=":material/edit:", on_click=_go, args=("edit", spec.id))
        st.download_button(
            "Download as YAML",
            recipe_text(recipes[0]),
            file_name=f"{spec.id}.yaml",
            mime="text/yaml",
            icon=":material/download:",
            on_click="ignore",
        )
        with st.popover("Remove", icon=":material/delete:", width="content"):
            _removal(session, spec)


def _go(parameter: str, id: str) -> None:
    leave()
    st.query_params[parameter] = id


def _removal(session: Session, spec: Distortion) -> None:
    """Say what depends on a recipe; let it be removed if nothing does."""
    use = session.store.recipes.use(spec.id)
    if use.versions:
        labels = {one.hash: one.label for one in session.store.versions.summaries()}
        named = [labels.get(hash, hash[:10]) for hash in use.versions]
        more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
        st.markdown(
            escaped(
                f"It must stay: {count_text(len(named), 'version has', 'versions have')} "
                f"attributes for it ({', '.join(named[:NAMED])}{more}), and their results keep "
                "their meaning."
            )
        )
    elif use.drafted:
        count = count_text(use.drafted, "attribute")
        st.markdown(f"The draft has {count} of it. Remove these first.")
    else:
        st.markdown("Nothing depends on it. The record keeps the recipe.")
        if st.button("Remove it now", type="primary"):
            signed(session, partial(_remove, id=spec.id, name=spec.name))


def _remove(session: Session, *, id: str, name: str) -> None:
    session.store.recipes.remove(id, author=session.author)
    announce(f"{name} was removed.")
    leave()
    st.rerun()


def _steps(session: Session, recipe: Recipe) -> None:
    specs = session.store.recipes.catalogue()
    st.header("Recipe")
    if not recipe.steps:
        return
    table = DataTable(
        "steps",
        "Applied in this order",
        (
            Column("operator", "Operator", "text"),
            Column("unit", "", "text", below=True),
            *(Column(f"level{n}", f"Level {n}", "text") for n in range(1, recipe.levels + 1)),
        ),
        tuple(
            (
                specs[step.operator].name if step.operator in specs else step.operator,
                specs[step.operator].parameter if step.operator in specs else "not installed here",
                *(number_text(value) for value in step.parameters),
            )
            for step in recipe.steps
        ),
    )
    st.html(html_data_table(table))


def number_text(value: float) -> str:
    """Return a parameter as people read it.

    Example:
        >>> number_text(-0.08)
        '−0.08'
    """
    return f"{value:g}".replace("-", "−")


def _pictures(spec: Distortion, recipes: tuple[Recipe, ...]) -> None:
    st.header("Levels")
    with show_errors():
        photograph = chosen_photograph("photo")
        if photograph is None:
            return
        show_strip(photograph, spec, recipes)
        _full_size(photograph, spec, recipes)


def chosen_photograph(key: str) -> Photograph | None:
    """Let a photograph be chosen, packaged or an upload; None while nothing is uploaded.

    Args:
        key: Of the choice, which the URL keeps.

    Raises:
        DataError: The upload cannot be used.
    """
    left, right = st.columns([1, 2], vertical_alignment="top")
    name = left.selectbox(
        "Photograph",
        [*PACKAGED, OWN],
        format_func=lambda name: (
            "My own photograph" if name == OWN else name.replace("_", " ").capitalize()
        ),
        index=list(PACKAGED).index(EXAMPLE),
        key=key,
        bind="query-params",
    )
    if name != OWN:
        return packaged(name)
    upload = right.file_uploader(
        "An image", type=sorted(SUFFIXES), max_upload_size=LARGEST_MB, key=f"{key}-file"
    )
    return None if upload is None else own(upload.name, upload.getvalue())


def show_strip(photograph: Photograph, spec: Distortion, recipes: tuple[Recipe, ...]) -> None:
    """Show a photograph clean and at every level."""
    images = level_strip(photograph, spec.id, recipes)
    pictures = []
    for level, image in enumerate(images):
        about = f"Level {level}" if level else "Clean"
        if level and not recipes:
            about += f": {number_text(spec.levels[level - 1])}"
        pictures.append(picture_of_pixels(image, f"{spec.name}, {about.lower()}", about))
    st.html(_STRIP.format(Markup("").join(pictures)))
    if spec.parameter and not recipes:
        st.caption(escaped(f"The levels vary the {spec.parameter}."))


def _full_size(photograph: Photograph, spec: Distortion, recipes: tuple[Recipe, ...]) -> None:
    st.header("Pixel by pixel")
    levels = [str(level) for level in range(1, len(spec.levels) + 1)]
    choices = levels if recipes else [*levels, BETWEEN]  # a recipe has nothing between its levels
    chosen = st.segmented_control(
        "Strength",
        choices,
        default=levels[len(levels) // 2],
        required=True,
        format_func=lambda choice: "Any strength" if choice == BETWEEN else f"Level {choice}",
        key="level",
        bind="query-params",
    )
    if chosen == BETWEEN:
        parameter = _any_strength(spec)
    else:
        parameter = spec.levels[int(chosen or levels[-1]) - 1]
    image = at_full_size(photograph, spec.id, parameter, recipes)
    across, down = _place(image.shape[1], image.shape[0])
    about = f"{spec.parameter}: {number_text(parameter)}" if not recipes else f"Level {parameter:g}"
    pictures = [
        picture_of_pixels(part_of(photograph.pixels, across, down), "The photograph", "Clean"),
        picture_of_pixels(part_of(image, across, down), f"The same, {spec.name}", about),
    ]
    st.html(_EXACT.format(Markup("").join(pictures)))


def _any_strength(spec: Distortion) -> float:
    """Let the parameter be chosen between that of the weakest level and of the strongest."""
    low, high, step, digits = slider_range(spec)
    return float(
        st.slider(
            escaped(f"{spec.parameter[:1].upper()}{spec.parameter[1:]}"),
            low,
            high,
            value=spec.levels[len(spec.levels) // 2],
            step=step,
            format=f"%.{digits}f",
            key=f"strength-{spec.id}",
        )
    )


def slider_range(spec: Distortion) -> tuple[float, float, float, int]:
    """Return the least and the greatest parameter of a slider, its step, and digits to show.

    Example:
        >>> shift = Distortion(id="s", name="s", group="brightness", source="", explanation="",
        ...                    levels=(20, 40, 100), neutral=0)
        >>> slider_range(shift)
        (0.0, 100.0, 1.0, 0)
    """
    values = [*spec.levels, *([] if spec.neutral is None else [spec.neutral])]
    low, high = min(values), max(values)
    step = 10.0 ** math.floor(math.log10((high - low) / 40))
    if all(value == int(value) for value in values) and high - low >= 20:
        step = max(step, 1.0)
    return low, high, step, max(0, -math.floor(math.log10(step)))


def _place(width: int, height: int) -> tuple[float, float]:
    """Let the part that is shown be chosen, where the image is larger."""
    left, right = st.columns(2)
    places = [0.5, 0.5]
    for index, (column, name, size, most) in enumerate(
        ((left, "Across", width, PART_SIZE[0]), (right, "Down", height, PART_SIZE[1]))
    ):
        if size > most:
            share = column.slider(f"{name}, in %", 0, 100, 50, key=f"part-{name}")
            places[index] = share / 100
    return places[0], places[1]


def _near(near: list[Distortion]) -> None:
    if not near:
        return
    st.header("Near types")
    st.caption("They show the same fault in another model, so that a sentence may fit both.")
    with st.container(horizontal=True):
        for spec in near:
            st.button(
                escaped(spec.name), key=f"near-{spec.id}", on_click=open_type, args=(spec.id,)
            )


def _attributes(session: Session, spec: Distortion) -> None:
    rows = session.store.draft.rows(spec.id)
    st.header("Attributes in the draft")
    if rows:
        st.html(
            html_list((f"{row.attribute.phrase} ({row.attribute.status})", False) for row in rows)
        )
    else:
        st.caption("None yet.")
    if st.button("Curate them" if rows else "Write the first", icon=":material/edit:"):
        _curate(spec.id)


def _curate(id: str) -> None:
    from workbench.app.pages import curate

    st.switch_page(st.Page(curate.render, url_path="curate"), query_params={"type": id})


def _runs(session: Session, spec: Distortion) -> None:
    """Show how the newest runs told the type, once that is asked for."""
    runs = runs_with_type(session.store, spec.id)
    st.header("Found by the last runs")
    if not runs:
        st.caption("No finished run has images of it yet.")
        return
    shown: dict[tuple[str, int], FoundInRun] = st.session_state.setdefault(_FOUND, {})
    fresh = [run for run in runs if (spec.id, run.id) not in shown]
    if fresh:
        label = f"Show how {count_text(len(fresh), 'run')} found it"
        pressed = st.button(label, help="Recorded as a test-set access of each run.")
        if pressed:
            for one in found_in_runs(
                session.store,
                spec.id,
                fresh,
                purpose=f"page Distortions, {spec.id}",
                author=session.author,
            ):
                shown[spec.id, one.run.id] = one
            st.rerun()
    found = [shown[spec.id, run.id] for run in runs if (spec.id, run.id) in shown]
    if found:
        _found_table(found)


def _found_table(found: list[FoundInRun]) -> None:
    columns = (
        Column("run", "Run", "text"), Column("version", "Version", "text"),
        Column("images", "Images of it", "text"), Column("f1", "F1"), Column("ap", "AP"),
        Column("srcc", "Strength SRCC"),
    )  # fmt: skip
    rows = tuple(
        (f"run {one.run.id}, {one.run.config.name}", one.label, *_figures(one)) for one in found
    )
    title = "It against everything else, on held-out images"
    st.html(html_data_table(DataTable("found", title, columns, rows)))
    st.caption("  \n".join(escaped(line) for line in access_sentences(found[0].accesses)))


def _figures(one: FoundInRun) -> tuple[Value, ...]:
    if isinstance(one.figures, Undefined):
        return ("", *[Undefined(undefined="no strengths were kept")] * 3)
    figures = one.figures
    return str(figures.images), figures.f1, figures.average_precision, figures.strength_srcc
