"""The names that users' scripts may catch."""

import inspect

from workbench import errors


def test_the_error_tree_is_the_one_that_is_drawn():
    drawn = {
        line.strip("│├└─ ").split()[0]
        for line in inspect.getdoc(errors).splitlines()
        if "Error" in line.split("─ ")[-1].split(" ")[0]
    }
    defined = {
        name for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.WorkbenchError)
    }  # fmt: skip
    assert drawn | {"WorkbenchError"} == defined
