"""What is written as TOML reads back as it was."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit.spec import toml

names = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(names, values, max_size=4))
def test_keys_and_values_read_back_whatever_they_hold(table):
    text = "".join(f"{toml.key(name)} = {toml.value(item)}\n" for name, item in table.items())
    assert tomllib.loads(text) == table


@settings(deadline=None, max_examples=50)
@given(st.lists(names, min_size=1, max_size=4))
def test_dotted_keys_lead_to_their_value(path):
    found = tomllib.loads(f"{toml.dotted(path)} = 1")
    for name in path:
        found = found[name]
    assert found == 1
