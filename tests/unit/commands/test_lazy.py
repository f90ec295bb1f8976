"""Commands are imported when they are called, whatever their names."""

from __future__ import annotations

import gc

import click
import pytest

from keepfit.commands import COMMANDS, group


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_found_after_every_other_and_garbage_is_collected_as_before(name):
    context = click.Context(group)
    assert isinstance(group.get_command(context, "gc"), click.Command)
    assert isinstance(group.get_command(context, name), click.Command)
    assert gc.isenabled()
