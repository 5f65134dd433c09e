"""The method's worked purchases (M-2.4, M-2.5), read by the code that reads any company."""

import pandas as pd
import pytest

from kaanalysis import workbook
from kaanalysis.analyses.procurement_flow import analyse
from kaanalysis.analyses.worked_purchase import COLUMNS, worked_purchase
from kaanalysis.company import Company, open_company
from kaanalysis.policy import Policy
from kaanalysis.text import LANGUAGES


def worked(name: str, lang: str = "en") -> Company:
    return open_company(workbook.worked(name, lang))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_reimbursement_system_is_bought_in_the_methods_order_with_price_last(lang: str) -> None:
    """method.md M-2.4: administration → team heads → risk control and audit → finance → only then price."""
    parties = worked_purchase(worked("reimbursement", lang))["party"].tolist()
    assert [p for p in parties if p != "user"] == ["administration", "manager", "risk_audit", "finance", "procurement"]


def test_the_chief_financial_officer_alone_is_wrong() -> None:
    """method.md M-2.4: it pays for everyone who takes part; if only finance is told why, everyone else sees a cost and no gain."""
    company = worked("reimbursement")
    assert (worked_purchase(company)["seen"] > 0).all()
    alone = worked_purchase(company, ["finance"]).set_index("party")
    assert alone.loc["finance", "seen"] == alone.loc["finance", "balance"] > 0
    others = alone.drop("finance")
    assert (others["seen"] < 0).all() and (others["seen"] == -others["costs"]).all() and (others["balance"] > 0).all()


def test_above_the_authority_limit_the_memo_is_explained_to_one_more_approver() -> None:
    """method.md M-2.5: within own authority simply approved; above it a memo that is explained several times."""
    table = worked_purchase(worked("crm"))
    within, above = (table[table["flow_id"] == f"crm-{side}"] for side in ("within", "above"))
    assert set(above["party"]) - set(within["party"]) == {"owner"} and not set(within["party"]) - set(above["party"])
    steps = worked("crm").table("buying_steps").execute()
    owner = steps[(steps["flow_id"] == "crm-above") & (steps["role"] == "owner")]
    assert len(owner) >= 2 and above["days"].sum() > within["days"].sum()
    watching = within.loc[within["part"] == "influence", "party"]
    assert {"procurement", "technology"} < set(watching)  # and the neighbouring sales head


def test_a_party_without_an_account_has_nulls_and_none_is_lost(policy: Policy) -> None:
    company = worked("crm")
    table = worked_purchase(company, [])
    assert list(table.columns) == COLUMNS
    silent = table[table["balance"].isna()]
    assert set(silent["party"]) == {"neighbouring sales"} and silent["seen"].isna().all()
    told = analyse(company, policy, {}).finding("M-2.3")
    assert (told.state, told.reason) == ("undecided", "told_only")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_reader_table_has_a_row_per_party_and_no_raw_keys(lang: str) -> None:
    for name in ("reimbursement", "crm"):
        shown = workbook.purchase(name, lang, ["finance"])
        assert len(shown) == len(worked_purchase(worked(name, lang)))
        text = " ".join(map(str, [*shown.columns, *shown.to_numpy().ravel()]))
        assert "risk_audit" not in text and "nan" not in text.lower().split()
    assert isinstance(shown, pd.DataFrame)
