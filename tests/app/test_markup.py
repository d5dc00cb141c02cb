"""What people wrote never becomes markup; plots keep their words as pictures."""

from html.parser import HTMLParser

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.app.markup import html_list, html_table, picture_of_figure, picture_of_pixels
from workbench.report.figures.figure import ReportFigure
from workbench.report.figures.style import new_figure

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))


class Reader(HTMLParser):
    def __init__(self, document):
        super().__init__()
        self.tags, self.text, self.attributes = set(), [], {}
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data):
        self.text.append(data)


@given(WORDS, WORDS)
def test_a_table_holds_any_text_as_text(heading, cell):
    read = Reader(html_table("about", [heading], [[cell], [html_list([(cell, False)])]]))
    expected = {"table", "caption", "thead", "tbody", "tr", "th", "ul", "li"}
    assert read.tags - {"span"} == expected  # a heading may happen to be a term
    assert "".join(read.text) == f"about{heading}{cell}{cell}"


def test_a_heading_that_is_a_term_is_explained_by_pointer_keyboard_and_screen_reader():
    read = Reader(html_table("", ["SRCC", "Photograph's name"], []))
    assert read.attributes["tabindex"] == "0"
    assert read.attributes["aria-description"].startswith("Spearman's rank correlation")
    assert read.attributes["data-meaning"] == read.attributes["aria-description"]
    assert html_table("", ["Photograph's name"], []).count("<span") == 0


def test_a_marked_phrase_stands_out_by_a_sign_too():
    assert "≠ new" in html_list([("new", True)])
    assert "≠" not in html_list([("old", False)])


def test_a_plot_keeps_its_title_and_description_as_alternative_text():
    figure = ReportFigure("plot", "SRCC", 'a "b" < c', draw=lambda: new_figure(1, 1))
    assert Reader(picture_of_figure(figure)).attributes["alt"] == 'SRCC. a "b" < c'


def test_a_picture_has_alternative_text_and_caption():
    read = Reader(picture_of_pixels(np.zeros((2, 3, 3), np.uint8), "black", "Level 1"))
    assert read.attributes["alt"] == "black"
    assert "".join(read.text) == "Level 1"
