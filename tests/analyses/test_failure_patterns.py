"""The health check as a whole: every element of the method judged, conflicts fed by the patterns, and nothing called for want of a table."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from kaanalysis.analyses import conflicts, failure_patterns, siphon
from kaanalysis.analyses.failure_patterns import FEEDS, PATTERNS, analyse, families, gather, replayed
from kaanalysis.analyses.pattern_family import judge
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company, open_company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result
from kaanalysis.simulate import simulate

IDS = ["M-A", "M-B", "M-C", "M-D", "M-E", "M-F", "M-X1", "M-X2", "M-X3", "M-X4"]


@pytest.fixture(scope="module")
def rivals(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company in which the key-account team pursues the other teams' customers."""
    return open_company(simulate("rival_team", tmp_path_factory.mktemp("rivals") / "company", seed=5, size=1.0))


@pytest.fixture(scope="module")
def found(rivals: Company, policy: Policy) -> Result:
    with only_numbers():
        return analyse(rivals, policy, {})


def test_every_element_is_judged_and_the_planted_pattern_found_alone(found: Result) -> None:
    assert [f.id for f in found.findings] == IDS
    assert [f.id for f in found.findings if f.state == "supported"] == ["M-C", "M-X2"]
    rival = found.findings[2]
    assert [n.name for n in rival.numbers[:3]] == ["score", "p_adjusted", "lead_months"]
    lead = rival.number("lead_months")
    assert lead is not None and lead.value is not None and lead.value > 0
    assert "double_pursuit" in rival.terms["seen"]


def test_every_sign_that_a_conflict_borrows_is_measured_by_its_pattern(rivals: Company, policy: Policy) -> None:
    evidence = gather(rivals, policy, None)
    measured = {m.ID: {s.name for s in m.signs(evidence.gathered[m.ID], rivals.info.as_of, policy)} for m in PATTERNS}
    own = {"M-X1", "M-X4"}
    for name, pattern in conflicts.OF_PATTERN.items():
        assert pattern in own or name in measured[pattern], name


def test_today_is_the_last_day_of_the_replay(rivals: Company, policy: Policy, found: Result) -> None:
    patterns, conflicting = replayed(rivals, policy, gather(rivals, policy, None))
    for frame, ids in ((patterns, IDS[:6]), (conflicting, IDS[6:])):
        last = frame[frame["month"] == frame["month"].max()].set_index("pattern")
        for id in ids:
            number = next(f for f in found.findings if f.id == id).number("p_adjusted")
            assert number is not None and last.loc[id, "p_adjusted"] == pytest.approx(number.value)


def test_a_day_before_the_launch_shows_nothing(rivals: Company, policy: Policy) -> None:
    launch = rivals.info.ka_launch
    assert launch is not None
    early = families(gather(rivals, policy, None), launch, policy)
    assert not [f.id for f in judge(early.patterns, policy) if f.state == "supported"]


def test_without_a_launch_nothing_is_called_and_what_is_missing_is_named(
    small_demo: Path, policy: Policy, tmp_path: Path
) -> None:
    company = open_company(small_demo)
    company.info = type(company.info)(**{**vars(company.info), "ka_launch": None})
    company._filled.clear()
    result = analyse(company, policy, {})
    assert {f.state for f in result.findings} == {"no_data"}
    assert all("company.ka_launch" in f.needs for f in result.findings)


def test_without_a_key_account_team_there_is_nobody_to_check(small_demo: Path, policy: Policy) -> None:
    company = open_company(small_demo)
    teams = company.table("teams")
    company.tables["teams"] = teams.mutate(motion=teams.motion.replace("KA", "SMB"))
    states = {f.id: f for f in analyse(company, policy, {}).findings}
    assert {f.state for id, f in states.items() if id != "M-B"} == {"no_data"} and states["M-A"].needs == (
        "teams.motion",
    )


def test_a_sure_increment_is_no_left_hand_to_right_hand(monkeypatch: pytest.MonkeyPatch, policy: Policy) -> None:
    def bridge(low: float) -> list[Number]:
        return [Number("net_increment", "KA", 5.0, low, 9.0, 0.95, 30, "CNY", "m")]

    found = Finding("M-D", "siphon", "supported", "siphon_supported")
    evidence = SimpleNamespace(gathered={"M-D": None})
    for low, state in ((1.0, "undecided"), (-1.0, "supported")):
        monkeypatch.setattr(siphon, "numbers", lambda *_, low=low: bridge(low))
        assert failure_patterns._with_own_numbers(found, evidence, policy).state == state  # type: ignore[arg-type]


@pytest.mark.parametrize(("table", "id"), [("team_months", "M-F"), ("opportunities.team", "M-C"), ("teams", "M-D")])
def test_a_pattern_without_its_tables_has_no_verdict(table: str, id: str) -> None:
    assert any(n.startswith(table) for part in FEEDS[id] for n in part.split("|"))


def test_flips_say_how_many_signs_and_which_margins_turn_the_verdict(rivals: Company, policy: Policy) -> None:
    result = failure_patterns.analyse(rivals, policy, {})
    rival = result.findings[2]
    assert rival.flips[0].policy == "rival_team.signs" and len(rival.flips) > 1
    assert {"signs", "timelines", "early_warning", "collisions", "overlap"} <= set(result.frames)
