"""The pages, found by themselves: each module has TITLE, ICON, ORDER and render()."""
