"""What holds for every command, found by walking all of them."""

from importlib import metadata

import pytest
import typer.main

from workbench.cli import cli


def leaves(command, words=()):
    """Yield (words, command) of every command that is no group."""
    if not hasattr(command, "list_commands"):
        yield words, command
        return
    for name in command.list_commands(None):
        yield from leaves(command.get_command(None, name), (*words, name))


COMMANDS = dict(leaves(typer.main.get_command(cli)))


def test_the_walk_finds_commands_and_subcommands():
    assert {("freeze",), ("versions", "list"), ("worker",), ("app",)} <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_it_takes_json_and_says_what_it_does(words):
    command = COMMANDS[words]
    assert "--json" in {option for parameter in command.params for option in parameter.opts}
    assert command.help


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_parameter_is_explained(words):
    unexplained = [p.name for p in COMMANDS[words].params if not getattr(p, "help", "")]
    assert unexplained == []


def test_the_version_is_that_of_the_package(workbench):
    assert workbench("--version") == (
        0,
        f"workbench {metadata.version('attribute-workbench')}\n",
        "",
    )
