"""Loading, refusing, overriding and hashing the policy; and that every value of the workbook's own is read somewhere."""

import re
from pathlib import Path

import pytest

from kaanalysis.analyses.conflicts import CONFLICTS
from kaanalysis.analyses.failure_patterns import PATTERNS
from kaanalysis.analyses.ledger import PATHS
from kaanalysis.analyses.ledger_inputs import COMMON
from kaanalysis.analyses.ledger_lines import NAMED, NAMED_PATHS, SETTINGS
from kaanalysis.policy import Policy, PolicyError, load_policy, parse_assignments

ROOT = Path(__file__).parents[1]
TOML = """
[a.number]
value = 2.0
unit = "months"
range = [1, 4]
source = "s"
spread = [1.5, 3.0]
[a.whole]
value = 3
unit = "units"
range = [1, 10]
source = "s"
[b.word]
value = "label"
unit = ""
choices = ["label", "size"]
source = "s"
"""


def load(tmp_path: Path, text: str = TOML) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return load_policy(path)


def test_values_keep_their_types(tmp_path: Path) -> None:
    policy = load(tmp_path)
    assert (policy["a.number"], policy["a.whole"], policy["b.word"]) == (2.0, 3, "label")
    assert isinstance(policy["a.whole"], int)


def test_unknown_name_is_refused_with_the_list(tmp_path: Path) -> None:
    for act in (lambda p: p["a.x"], lambda p: p.override({"a.x": 1})):
        with pytest.raises(PolicyError, match=r"no value 'a\.x'; known are: a\.number, a\.whole, b\.word"):
            act(load(tmp_path))


@pytest.mark.parametrize(("name", "value", "message"), [
    ("a.number", 0.99, "must lie between 1 and 4"),
    ("a.number", 4.01, "must lie between 1 and 4"),
    ("a.number", "many", "must be a number"),
    ("a.number", True, "must be a number"),
    ("a.number", None, "must be a number"),
    ("a.number", "nan", "must be a finite number"),
    ("a.number", "inf", "must be a finite number"),
    ("a.whole", 2.5, "must be a whole number"),
    ("a.whole", "inf", "must be a finite number"),
    ("a.whole", "nan", "must be a finite number"),
    ("b.word", "colour", "must be one of label, size"),
    ("b.word", 1, "must be one of label, size"),
])  # fmt: skip
def test_a_value_of_the_wrong_kind_or_outside_its_range_is_refused(
    name: str, value: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(PolicyError, match=message):
        load(tmp_path).override({name: value})


def test_overrides_are_taken_at_both_borders_typed_and_recorded(tmp_path: Path) -> None:
    changed = load(tmp_path).override({"a.number": "4"}).override({"a.whole": "1", "b.word": "size"})
    assert dict(changed.overrides) == {"a.number": 4.0, "a.whole": 1, "b.word": "size"}
    assert isinstance(changed["a.whole"], int) and isinstance(changed["a.number"], float)
    # A pinned uncertain value carries its span along: 4 lies above the span 1.5 … 3, which becomes 1.5 … 4.
    assert changed.threshold("a.number").spread == (1.5, 4.0)


def test_hash_changes_with_a_value_and_not_with_the_order_of_the_file(tmp_path: Path) -> None:
    blocks = re.findall(r"\[[ab]\.[^\[]*\n(?:[^\[].*\n)*", TOML)
    parts = TOML.strip().split("\n[")
    turned = "\n[".join(["", *[p.lstrip("[") for p in reversed(parts)]]).strip() + "\n"
    assert load(tmp_path, turned).hash == load(tmp_path).hash, blocks
    assert load(tmp_path).override({"a.whole": 3}).hash == load(tmp_path).hash
    others = [load(tmp_path).override({n: v}).hash for n, v in [("a.whole", 4), ("a.number", 2.5), ("b.word", "size")]]
    assert len({load(tmp_path).hash, *others}) == 4
    assert load(tmp_path, TOML.replace("3.0]", "3.1]")).hash != load(tmp_path).hash


@pytest.mark.parametrize(("old", "new", "message"), [
    ("spread = [1.5, 3.0]", "spread = [2.5, 3.0]", "outside its own spread"),
    ('source = "s"\nspread', "spread", "source is missing"),
    ('source = "s"\nspread', 'source = ""\nspread', "source is missing"),
    ('unit = "months"\n', "", "unit is missing"),
    ("range = [1, 4]\n", "", "either a range"),
    ("value = 2.0", "value = 5.0", "must lie between"),
    ("range = [1, 4]", "range = [1, 4]\ncolour = 1", "unknown key colour"),
    ("[a.number]", "[a.number", "not valid TOML"),
    ("[a.whole]", "[whole]", "table of tables"),
])  # fmt: skip
def test_a_broken_file_is_refused_in_one_sentence(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in TOML
    with pytest.raises(PolicyError, match=message):
        load(tmp_path, TOML.replace(old, new, 1))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="is missing"):
        load_policy(tmp_path / "none.toml")


def test_assignments_of_the_command_line() -> None:
    assert parse_assignments(["a.b=1", " c.d = x=y "]) == {"a.b": "1", "c.d": "x=y"}
    for wrong in ("a.b", "=1", "a.b="):
        with pytest.raises(PolicyError, match="name=value"):
            parse_assignments([wrong])


def test_the_workbooks_own_policy_says_unit_source_and_range_of_every_value() -> None:
    policy = load_policy()
    assert len(policy.thresholds) > 30
    for threshold in policy.thresholds.values():
        assert threshold.source.strip().endswith((".", ")")), threshold.name
        if threshold.spread:
            assert (
                threshold.range
                and threshold.range[0] <= threshold.spread[0] < threshold.spread[1] <= threshold.range[1]
            ), threshold.name


# Names that the code puts together: (pattern in the code that must be there, the names it makes).
COMPOSED = {
    'f"{path}.{setting}"': {f"{p}.{s}" for p in PATHS for s in SETTINGS} | {f"{p}.{NAMED}" for p in NAMED_PATHS},
    'f"ledger.{name}"': {f"ledger.{name}" for name, _ in COMMON},
    'policy[f"{m.KEY}.signs"]': {f"{m.KEY}.signs" for m in PATTERNS},
    'policy[f"{conflict.key}.signs"]': {f"{c.key}.signs" for c in CONFLICTS},
}


def code() -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "kaanalysis").rglob("*.py")))


def unread(names: set[str], text: str) -> set[str]:
    composed = {n for pattern, made in COMPOSED.items() if pattern in text for n in made}
    return {n for n in names if f'"{n}"' not in text and n not in composed}


def test_every_value_of_the_workbooks_own_policy_is_read_by_some_code() -> None:
    assert unread(set(load_policy().thresholds), code()) == set()


def test_a_value_that_nobody_reads_would_be_found() -> None:
    text = code()
    assert unread({"lifecycle.nobody", "ledger.nobody", "split.nobody"}, text) == {
        "lifecycle.nobody",
        "ledger.nobody",
        "split.nobody",
    }
    for pattern, made in COMPOSED.items():
        assert pattern in text and made <= set(load_policy().thresholds), pattern
        assert unread(made, text.replace(pattern, "")) != set(), "the pattern is what reads them"
    for setting in (*SETTINGS, NAMED):
        assert f'"{setting}"' in text


def test_every_name_that_the_code_asks_for_is_there() -> None:
    asked = set(re.findall(r'(?:policy|p|self)\[f?"([a-z_]+\.[a-z_]+)"\]', code()))
    assert asked - set(load_policy().thresholds) == {"group.name"}  # the docstring's
    assert len(asked) > 20


@pytest.mark.parametrize(("changes", "said"), [({"path.few_bottlenecks": 3, "path.some_bottlenecks": 1}, "path.few_bottlenecks = 3 must not exceed"),
                                               ({"path.medium_fit": 0.75, "path.high_fit": 0.7}, "path.medium_fit = 0.75 must not exceed")])  # fmt: skip
def test_values_that_contradict_each_other_are_refused(changes: dict[str, float], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        load_policy().override(changes).consistent()
