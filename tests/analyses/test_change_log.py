"""The change log by hand: how long it was prepared, how often it was changed, and what could have been checked when it was staffed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.analyses.change_log import (
    ChangeLog,
    change_kinds,
    changed,
    frames,
    gather,
    hasty,
    possible_checks,
    preparation,
    signs,
)
from kaanalysis.company import Company, open_company
from kaanalysis.decision_log import KINDS
from kaanalysis.policy import Policy, load_policy
from kaanalysis.simulate import simulate

LAUNCH, AS_OF = dt.date(2024, 1, 1), dt.date(2025, 12, 31)
NO_EVIDENCE = pd.DataFrame(columns=["finding", "units", "count", "needs"])


def log(*rows: tuple[str, str] | tuple[str, str, str], **options: object) -> ChangeLog:
    frame = pd.DataFrame(
        [(pd.Timestamp(r[0]), r[1], "a decision", None, r[2] if len(r) > 2 else None) for r in rows],  # type: ignore[misc]
        columns=["at", "kind", "what", "who", "reverses"],
    )
    frame = frame.astype({"at": "datetime64[s]", "reverses": object})
    made = ChangeLog(frame, LAUNCH, AS_OF, dt.date(2024, 1, 1), None, NO_EVIDENCE, () if rows else ("company.changes",))
    return dataclasses.replace(made, **options)  # type: ignore[arg-type]


OFTEN = log(
    ("2023-12-10", "decision"), ("2024-01-01", "launch"), ("2024-03-01", "pay"), ("2024-03-01", "target"), ("2024-06-01", "pay"),
    ("2024-08-01", "reversal", "pay"), ("2025-06-01", "target"), ("2025-09-01", "team"),
)  # fmt: skip


def test_decisions_a_year_count_days_since_the_launch_against_the_exact_poisson_tail(policy: Policy) -> None:
    rate, early = signs(OFTEN, AS_OF, policy)
    years = (AS_OF - LAUNCH).days / 365.25
    assert rate.n == 5 and rate.value == pytest.approx(
        5 / years
    )  # two decisions of one day are one; beginnings are none
    assert rate.p_present == pytest.approx(1 - stats.poisson.cdf(4, 2 * years))
    assert rate.p_absent == pytest.approx(stats.poisson.cdf(5, 2 * years))
    # Repeats: pay after 3 months, taken back after 2, targets after 15: two of three within six months.
    assert early.n == 3 and early.value == pytest.approx(2 / 3)
    assert early.p_present == pytest.approx(3 * 0.25**2 * 0.75 + 0.25**3)
    assert (rate.comparison, early.comparison) == ("target", "target")


def test_a_day_knows_only_what_was_decided_by_then(policy: Policy) -> None:
    rate, early = signs(OFTEN, dt.date(2024, 7, 1), policy)
    assert rate.n == 2 and early.n == 1
    assert [s.p_present for s in signs(OFTEN, LAUNCH, policy)] == [None, None]
    later = log(*[(str(r.at.date()), r.kind, r.reverses) for r in OFTEN.changes.itertuples()], ("2025-10-01", "pay"))
    assert signs(later, dt.date(2025, 9, 30), policy) == signs(OFTEN, dt.date(2025, 9, 30), policy)


def test_kinds_are_counted_with_what_took_them_back(policy: Policy) -> None:
    kinds = change_kinds(OFTEN, policy).set_index("kind")
    assert kinds.loc["pay", ["decisions", "taken_back", "early"]].tolist() == [3, 1, 2]
    assert kinds.loc["pay", "median_months"] == pytest.approx((92 + 61) / 2 / 30.4375)
    assert pd.isna(kinds.loc["team", "median_months"]) and next(iter(kinds.index)) == "pay"
    assert changed(OFTEN)["of_kind"].tolist()[5] == "pay"


@pytest.mark.parametrize(("first", "months", "said"), [("2023-12-10", 1.0, True), ("2023-03-20", 10.1, False), ("2024-02-02", -1.0, True)])  # fmt: skip
def test_preparation_runs_from_the_decision_to_the_first_sellers(
    first: str, months: float, said: bool, policy: Policy
) -> None:
    made = log((first, "decision"), ("2024-01-01", "launch"))
    assert preparation(made).value == pytest.approx(months, abs=0.1) and hasty(made, policy) is said


def test_what_is_not_on_record_is_not_judged(policy: Policy) -> None:
    launch_only = log(("2024-01-01", "launch"))
    assert preparation(launch_only).value is None and hasty(launch_only, policy) is None
    assert hasty(log(("2023-12-10", "decision"), first_sellers=None), policy) is None
    empty = log()
    assert [s.needs for s in signs(empty, AS_OF, policy)] == [("company.changes",)] * 2
    assert [s.name for s in signs(empty, AS_OF, policy)] == [s.name for s in signs(OFTEN, AS_OF, policy)]
    assert "changes" not in frames(empty, policy) and set(frames(empty, policy)["programme_start"]["event"]) == {
        "first_decision",
        "launch",
        "first_sellers",
    }


def company_with_log(company_folder: Callable[..., Path], **tables: object) -> Company:
    folder = company_folder(
        {"ka_launch": LAUNCH},
        accounts="account_id,segment\nA1,SMB\nK1,KA\nK2,KA\n",
        opportunities="opportunity_id,account_id,team,created_at,closed_at,outcome,amount\nO1,K1,smb,2023-01-01,2023-06-01,won,5\n"
        "O2,K2,smb,2023-01-01,2023-07-01,lost,\nO3,K1,ka,2024-02-10,2024-09-01,won,9\nO4,A1,smb,2023-01-01,2023-02-01,won,1\n",
        teams="team,motion\nsmb,SMB\nka,KA\n",
        **tables,
    )
    (folder / "changes").mkdir()
    (folder / "changes" / "log.csv").write_text("at,kind,what\n2023-11-15,decision,KA\n2024-05-01,pay,plan\n")
    return open_company(folder)


def test_a_company_s_start_and_what_could_have_been_checked(
    company_folder: Callable[..., Path], policy: Policy
) -> None:
    few = policy.override({"evidence.minimum_units": 2})
    made = company_with_log(
        company_folder,
        team_months="team,month,sellers\nsmb,2023-01-01,4\nka,2023-12-01,0\nka,2024-03-01,2\nka,2024-04-01,3\n",
        stakeholders="opportunity_id,person_id,role,part\nO1,P1,owner,approve\nO3,P2,owner,approve\n",
        order_lines="account_id,product,amount,at\nK1,p,5,2023-06-02\nK2,p,5,2024-06-02\nA1,p,1,2023-03-01\n",
    )
    found = gather(made, few)
    assert found.first_sellers == dt.date(2024, 3, 1) and found.first_deal == dt.date(2024, 2, 10)
    assert preparation(found).value == pytest.approx(121 / 30.4375, abs=0.01)  # from the decision's month on
    checks = possible_checks(found, few).set_index("finding")
    # Before March 2024: one key customer, one with orders, one decided deal of two with parties, two decided, no flow with a date.
    assert checks["count"].tolist()[:3] == [1, 1, 1] and checks["count"]["M-3.2"] == 2
    assert pd.isna(checks["count"]["M-2.6"]) and checks["needs"]["M-2.6"] == "buying_steps.at"
    assert checks["possible"]["M-3.2"] and not checks["possible"]["M-1.2"] and pd.isna(checks["possible"]["M-2.6"])


def test_sellers_there_since_the_records_begin_were_hired_nobody_knows_when(
    company_folder: Callable[..., Path], policy: Policy
) -> None:
    made = company_with_log(company_folder, team_months="team,month,sellers\nsmb,2023-01-01,4\nka,2023-01-01,2\n")
    assert gather(made, policy).first_sellers is None and hasty(gather(made, policy), policy) is None
    checks = possible_checks(gather(made, policy), policy).set_index("finding")
    assert checks["needs"]["M-1.3"] == "order_lines.at" and pd.isna(checks["count"]["M-2.2"])


def test_flows_told_and_logged_before_the_team_are_counted(company_folder: Callable[..., Path], policy: Policy) -> None:
    steps = "flow_id,step,part,at,source\nF1,a,do,2023-05-01,log\nF1,b,do,2023-06-01,log\nF2,a,do,2024-06-01,log\nF3,a,do,,interview\n"
    made = company_with_log(company_folder, buying_steps=steps)
    asked = made.interviews.reindex([0]).assign(flow_id="F3", interviewed_at=pd.Timestamp("2023-10-01"))
    made.interviews = asked.astype({"interviewed_at": "datetime64[s]"})
    assert possible_checks(gather(made, policy), policy).set_index("finding")["count"]["M-2.6"] == 2


@pytest.mark.parametrize(("name", "haste"), [("healthy", False), ("shortfall", True)])
def test_the_synthetic_companies_start_as_planted(name: str, haste: bool, tmp_path: Path) -> None:
    policy = load_policy()
    made = open_company(simulate(name, tmp_path / name, seed=1, size=0.3))
    found = gather(made, policy)
    assert hasty(found, policy) is haste
    rate, early = signs(found, made.info.as_of, policy)
    assert (rate.p_present < 0.05) is haste and (early.p_present is not None and early.p_present < 0.05) is haste  # type: ignore[operator]


@given(st.lists(st.tuples(st.dates(dt.date(2023, 1, 1), AS_OF), st.sampled_from(sorted(KINDS))), min_size=1, max_size=15), st.dates(dt.date(2024, 1, 2), AS_OF))  # fmt: skip
def test_p_values_and_shares_stay_in_their_range_and_the_two_tests_never_both_reject(rows: list, cut: dt.date) -> None:
    made = log(*sorted((str(at), kind) for at, kind in rows))
    for sign in signs(made, cut, load_policy()):
        for p in (sign.p_present, sign.p_absent):
            assert p is None or 0 <= p <= 1
        if sign.p_present is not None and sign.p_absent is not None:
            assert sign.p_present + sign.p_absent >= 1 - 1e-9  # discrete: what was seen counts on both sides
    assert (changed(made)["months_since_same"].dropna() > 0).all()
