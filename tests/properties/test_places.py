"""The line of every key and element is found, however a TOML text is laid out."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit.spec import toml
from keepfit.spec.places import lines_of

names = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
leaves = st.booleans() | st.integers(-99, 99) | names | st.lists(names | st.integers(0, 9), max_size=3)
values = leaves | st.dictionaries(names, leaves, max_size=3)
gaps = st.sampled_from(["", "\n", "# a = 1 [x]\n", "\n\n  # \"'''\n"])


@settings(deadline=None, max_examples=120)
@given(st.dictionaries(names, st.dictionaries(names, values, max_size=3), max_size=3), st.data())
def test_every_key_has_its_line(tables, data):
    text, expected = "", {}
    for name, table in tables.items():
        text += data.draw(gaps)
        expected[name,] = text.count("\n") + 1
        text += f"[ {toml.key(name)} ]  # [no] = \n"
        for key, value in table.items():
            text += data.draw(gaps)
            expected[name, key] = text.count("\n") + 1
            text += f"  {toml.key(key)} = {toml.value(value)} # x\n"
            if isinstance(value, dict):
                expected |= {(name, key, inner): expected[name, key] for inner in value}
    assert tomllib.loads(text) == tables
    found = lines_of(text)
    assert {key: found.get(key) for key in expected} == expected


def test_multi_line_texts_lists_dotted_keys_and_lists_of_tables_are_followed():
    text = '''a."b c" . d = """x
[no]
y = 1"""
list = [ # one
  "p", "]",
  { q = 1, "r.s" = [2] },
]
[[t.u]]
v = 'it''s'
[[t.u]]
v = 1979-05-27 07:32:00
'''.replace("it''s", "its")
    found = lines_of(text)
    assert found["a", "b c", "d"] == 1
    assert (found["list", "0"], found["list", "2", "q"], found["list", "2", "r.s", "0"]) == (5, 6, 6)
    assert (found["t", "u", "0"], found["t", "u", "1"], found["t", "u", "1", "v"]) == (8, 10, 11)
