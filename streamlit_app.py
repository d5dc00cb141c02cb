"""The workbench in the browser: finds its pages and shows the chosen one."""

import streamlit as st

import workbench.app.pages
from workbench.app.identity import gate, show_person
from workbench.app.services import spare_collections
from workbench.registry import discover

st.set_page_config(page_title="Attribute workbench", page_icon="🔬", layout="wide")
if st.__version__.startswith("1.67."):  # it reaches into this release, whose faults it mends
    from workbench.app.page_changes import keep_presses

    keep_presses()
if not gate():
    st.stop()
found = sorted(discover(workbench.app.pages), key=lambda module: module.ORDER)
pages = [
    st.Page(page.render, title=page.TITLE, icon=page.ICON, url_path=page.__name__.split(".")[-1])
    for page in found
]
chosen = st.navigation(pages)
show_person()
chosen.run()
spare_collections()
