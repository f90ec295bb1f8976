from __future__ import annotations

import pytest

from keepfit.errors import BadArgument, Faults, Impossible, LiteralPassword, NoProject, UnknownKey, UnreadableProjectFile, WrongValue
from keepfit.instant import Duration
from keepfit.spec.load import expand, find, load
from keepfit.spec.places import lines_of

PROJECT = """\
[problem]
name = "late"
target = "late"
time = "departure"
value = { true_positive = 12, false_positive = -3 }

[data]
source = "flights.parquet"

[columns]
flight = { kind = "category" }

[gates]
good = { kind = "at_least", metric = "roc_auc", limit = 0.65 }

[monitor]
window = "7d"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "keepfit.toml").write_text(PROJECT)
    return tmp_path


def faults(folder, text=None, **given):
    """The single faults of a project file as (class, place, remedy)."""
    if text is not None:
        (folder / "keepfit.toml").write_text(text)
    with pytest.raises(Faults) as caught:
        load(folder, **({"environ": {}} | given))
    assert caught.value.exit_code == 3
    return [(type(fault), fault.at, fault.fix) for fault in caught.value.faults]


def test_a_project_file_parses_and_says_where_its_values_stand(folder):
    loaded = load(folder, environ={})
    assert loaded.spec.problem.name == "late"
    assert loaded.spec.monitor.window == Duration.parse("7d")
    assert loaded.spec.refit.minimum_labels == 1000
    assert loaded.places.origin(("monitor", "window")) == "keepfit.toml: line 17"
    assert loaded.places.origin(("problem", "value", "false_positive")) == "keepfit.toml: line 5"
    assert loaded.places.origin(("columns", "flight", "kind")) == "keepfit.toml: line 11"
    assert loaded.places.origin(("refit", "minimum_labels")) == "default"
    assert loaded.places.of(("gates", "good", "limit")) == "keepfit.toml: line 14: gates.good.limit"


def test_an_option_beats_the_environment_beats_the_overlay_beats_the_file_beats_the_default(folder):
    (folder / "keepfit.prod.toml").write_text('[monitor]\nwindow = "14d"\n[model]\nseed = 2\n')
    variable = {"KEEPFIT_MONITOR__WINDOW": "21d"}
    option = {"monitor.window": "28d"}

    def found(**given):
        loaded = load(folder, **({"environ": {}} | given))
        return str(loaded.spec.monitor.window), loaded.places.origin(("monitor", "window"))

    assert found(env="prod", environ=variable, options=option) == ("28d", "option")
    assert found(env="prod", environ=variable) == ("21d", "environment KEEPFIT_MONITOR__WINDOW")
    assert found(env="prod") == ("14d", "keepfit.prod.toml: line 2")
    assert found() == ("7d", "keepfit.toml: line 17")
    (folder / "keepfit.toml").write_text(PROJECT.replace('window = "7d"', ""))
    assert found() == ("7d", "default")


def test_an_overlay_changes_what_it_names_and_nothing_else(folder):
    (folder / "keepfit.prod.toml").write_text('[problem]\nstatement = "For real."\n[columns]\norigin = { kind = "category" }\n')
    spec = load(folder, env="prod", environ={}).spec
    assert (spec.problem.name, spec.problem.statement) == ("late", "For real.")
    assert set(spec.columns) == {"flight", "origin"}


def test_an_overlay_that_is_named_must_be_there(folder):
    with pytest.raises(UnreadableProjectFile, match=r"keepfit\.prod\.toml"):
        load(folder, env="prod", environ={})


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("KEEPFIT_MODEL__SEED", "7", ("model", "seed"), 7),
        ("KEEPFIT_MODEL__ESTIMATORS", '["linear"]', ("model", "estimators"), ("linear",)),
        ("KEEPFIT_PROBLEM__POSITIVE", "true", ("problem", "positive"), True),
        ("KEEPFIT_PROBLEM__STATEMENT", "two words", ("problem", "statement"), "two words"),
        ("KEEPFIT_PROBLEM__POSITIVE", '"true"', ("problem", "positive"), "true"),
        ("KEEPFIT_DATA__SOURCE", "other.csv", ("data", "source"), "other.csv"),
    ],
)
def test_a_variable_holds_toml_or_the_text_itself(folder, variable, text, key, value):
    spec = load(folder, environ={variable: text, "KEEPFIT_NOW": "2013-03-01T00:00Z", "KEEPFIT_ACTOR": "me"}).spec
    assert getattr(getattr(spec, key[0]), key[1]) == value


def test_all_faults_are_said_at_once_each_with_its_place_and_a_remedy(folder):
    found = faults(
        folder,
        PROJECT.replace('target = "late"', "traget = 1")
        .replace('window = "7d"', 'window = "a week"')
        .replace('name = "late"', 'name = "Late!"')
        .replace('kind = "category"', 'knid = "category"')
        + '[refit]\npromote = "always"\nminimum_labels = 0\n[modle]\nseed = 1\n',
    )
    places = {at for _, at, _ in found}
    assert places == {
        "keepfit.toml: line 2: problem.name",
        "keepfit.toml: line 3: problem.traget",
        "keepfit.toml: line 1: problem.target",
        "keepfit.toml: line 11: columns.flight.knid",
        "keepfit.toml: line 17: monitor.window",
        "keepfit.toml: line 19: refit.promote",
        "keepfit.toml: line 20: refit.minimum_labels",
        "keepfit.toml: line 21: modle",
    }
    remedies = {at.rsplit(": ", 1)[-1]: fix for _, at, fix in found}
    assert remedies["problem.traget"] == "did you mean 'target'?"
    assert remedies["modle"] == "did you mean 'model'?"
    assert remedies["columns.flight.knid"] == "did you mean 'kind'?"
    assert remedies["problem.target"] == "add target = …"
    assert "7d, 12h, 30m" in remedies["monitor.window"]
    assert "auto" in remedies["refit.promote"]


def test_a_key_in_the_wrong_section_is_told_its_own_and_one_with_dots_is_written_as_toml_writes_it(folder):
    found = faults(folder, PROJECT.replace('name = "late"', 'name = "late"\ntrials = 3') + '[columns."a b.c"]\nknid = 1\n')
    assert [(at.split(": ")[-1], fix) for _, at, fix in found] == [
        ("problem.trials", "it belongs to [model]"),
        ('columns."a b.c".knid', "did you mean 'kind'?"),
    ]


def test_an_option_may_name_a_column_with_dots_and_must_be_a_key(folder):
    loaded = load(folder, environ={}, options={'columns."a.b c".ignore': True})
    assert loaded.spec.columns["a.b c"].ignore
    with pytest.raises(BadArgument, match="is not a key"):
        load(folder, environ={}, options={"columns.a b": 1})


@pytest.mark.parametrize(
    ("setting", "message", "fix"),
    [
        ("[model]\ntrials = 1.5", "1.5 is not a whole number", "write digits without quotes, as in 7"),
        ("[model]\ntrials = -1", "-1 is out of range", "at least 0"),
        ("[model]\nestimators = []", "an empty list is too short", "at least 1"),
        ('[model]\nestimators = "linear"', "'linear' is not a list", 'write a list, as in ["a", "b"]'),
        ('[model]\nevaluation = "fulll"', "'fulll' is not one of its values", "did you mean 'full'?"),
        ("[columns]\na = { ignore = 1 }", "1 is neither true nor false", "write true or false, without quotes"),
        ("[columns]\na = 1", "1 is not a table", "write it as a section, or as { key = value }"),
        ('[features]\nfrom = "mine"', "'mine' is not of the form that is asked for", "module:function"),
        ("[stores]\nledger = 7", "7 is not text", 'put it in quotes, as in "…"'),
    ],
)
def test_a_fault_says_what_was_found_and_what_was_expected(folder, setting, message, fix):
    section = setting.splitlines()[0]
    text = "\n\n".join(part for part in PROJECT.split("\n\n") if not part.startswith(section)) + "\n" + setting + "\n"
    (folder / "keepfit.toml").write_text(text)
    with pytest.raises(Faults) as caught:
        load(folder, environ={})
    [fault] = caught.value.faults
    assert (fault.message, fault.fix) == (message, fix)


def test_what_came_from_a_variable_or_an_option_is_faulted_there(folder):
    found = faults(folder, environ={"KEEPFIT_MODEL__SEED": "many"}, options={"monitor.windwo": "7d"})
    assert [at for _, at, _ in found] == ["environment KEEPFIT_MODEL__SEED: model.seed", "option: monitor.windwo"]


@pytest.mark.parametrize(
    "setting",
    [
        "[model]\nestimators = []",
        '[model]\nseed = "1"',
        '[data]\nsource = "a.csv"\ntimezone = "Mars/Olympus"',
        '[stores]\nledger = ""',
        "[columns]\na = { keep = true }",
        "[columns]\na = { ignore = true, protected = true }",
        '[gates]\na = { metric = "roc_auc" }',
        '[gates]\na = "good"',
        '[refit]\ndata = "everything"',
        "[monitor]\nwindow = 7",
        '[monitor]\nwindow = "0d"',
    ],
)
def test_values_that_do_not_hold_are_faults(folder, setting):
    section = setting.splitlines()[0]
    text = "\n\n".join(part for part in PROJECT.split("\n\n") if not part.startswith(section)) + "\n" + setting + "\n"
    assert [kind for kind, _, _ in faults(folder, text)] == [WrongValue]


def test_the_target_is_neither_key_nor_time(folder):
    for line in ('key = ["late"]', 'time = "late"'):
        text = PROJECT.replace('time = "departure"', line)
        assert [kind for kind, _, _ in faults(folder, text)] == [Impossible]


@pytest.mark.parametrize("url", ["postgresql://me:hunter2@host/db", "postgresql://me:${P}x@host/db"])
def test_a_password_in_a_url_is_a_fault_and_is_not_repeated(folder, url):
    (folder / "keepfit.toml").write_text(PROJECT + f'[stores]\nledger = "{url}"\n')
    with pytest.raises(Faults) as caught:
        load(folder, environ={})
    assert [type(fault) for fault in caught.value.faults] == [LiteralPassword]
    assert "hunter2" not in str(caught.value)
    assert caught.value.faults[0].at == "keepfit.toml: line 19: stores.ledger"


def test_a_password_by_name_is_none(folder):
    (folder / "keepfit.toml").write_text(PROJECT + '[stores]\nledger = "postgresql://me:${P}@host/db"\n')
    assert load(folder, environ={}).spec.stores.ledger == "postgresql://me:${P}@host/db"


def test_names_are_read_from_the_environment_and_quoted_inside_a_url():
    environ = {"P": "a b/@:%", "URL": "postgresql://me:x@host/db"}
    assert expand("postgresql://me:${P}@host/db", at="x", environ=environ) == "postgresql://me:a%20b%2F%40%3A%25@host/db"
    assert expand("${URL}", at="x", environ=environ) == environ["URL"]
    assert expand("no name", at="x", environ={}) == "no name"
    with pytest.raises(WrongValue) as caught:
        expand("${MISSING}", at="keepfit.toml: stores.ledger", environ=environ)
    assert (caught.value.at, caught.value.fix) == ("keepfit.toml: stores.ledger", "export MISSING=…")


def test_a_byte_order_mark_and_windows_line_ends_are_read(folder):
    (folder / "keepfit.toml").write_bytes(b"\xef\xbb\xbf" + PROJECT.replace("\n", "\r\n").encode())
    loaded = load(folder, environ={})
    assert loaded.spec.problem.name == "late"
    assert loaded.places.origin(("problem", "name")) == "keepfit.toml: line 2"


@pytest.mark.parametrize("content", [b"[problem", b"a = = 1", b"\xff\xfe", "name = „x“".encode("latin-1", "replace") + b"\x80"])
def test_what_is_no_toml_is_said_so(folder, content):
    (folder / "keepfit.toml").write_bytes(content)
    with pytest.raises(UnreadableProjectFile):
        load(folder, environ={})


def test_a_folder_in_the_place_of_the_file_is_said_so(tmp_path):
    (tmp_path / "keepfit.toml").mkdir()
    with pytest.raises(UnreadableProjectFile):
        load(tmp_path, environ={})


def test_the_project_is_found_above(folder):
    inner = folder / "notebooks" / "deep"
    inner.mkdir(parents=True)
    assert find(inner) == folder
    with pytest.raises(NoProject):
        find(folder.parent)


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("[a]\nb = 1", ("a", "b"), 2),
        ("[a.b]\nc.d = 1", ("a", "b", "c", "d"), 2),
        ('["a b"]\n"c" = 1', ("a b", "c"), 2),
        ("[[a]]\nb = 1", ("a", "0", "b"), 2),
        ("a = { b = 1,\n c = 2 }", ("a", "b"), 1),
        ("x = 1 # [not]\n[a] # b = 1\nc = 1", ("a", "c"), 3),
        ("[a]\nb = [\n 1,\n]\nc = 1", ("a", "c"), 5),
    ],
)
def test_lines_of_tables_and_keys(text, key, line):
    assert lines_of(text)[key] == line


def test_a_key_twice_is_no_toml(folder):
    (folder / "keepfit.toml").write_text(PROJECT + '\n[monitor]\nwindow = "1d"\n')
    with pytest.raises(UnreadableProjectFile):
        load(folder, environ={})


def test_an_unknown_key_stands_beside_its_near_match(folder):
    assert faults(folder, options={"model.sede": 1}) == [(UnknownKey, "option: model.sede", "did you mean 'seed'?")]


def test_a_window_is_a_length_of_time_or_a_number_of_rows(folder):
    def stated(text):
        return str(load(folder, environ={}, options={"monitor.window": text}).spec.monitor.window)

    assert [stated(text) for text in ("7d", "5000 rows", " 90m ", "50 rows")] == ["7d", "5000 rows", "90m", "50 rows"]
    for text, said in {"49 rows": "at least 50 rows", "30s": "at least 1m", "rows": "not a duration", "5 row": "not a duration"}.items():
        with pytest.raises(Faults) as found:
            stated(text)
        assert said in str(found.value)
