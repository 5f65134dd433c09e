"""What interests whom: shares of deals by hand, the company's own words, and both languages in one frame."""

from collections.abc import Callable

import pytest

from kaanalysis import display
from kaanalysis.analyses.messages import COLUMNS, find
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Result
from kaanalysis.text import words

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment\n" + "".join(f"K{i},KA\n" for i in range(4)) + "S,SMB\n"
DEALS = "opportunity_id,account_id,outcome\n" + "".join(f"O{i},K{i},won\n" for i in range(4)) + "P,S,won\n"
PEOPLE = (
    "opportunity_id,person_id,role,part\n"
    + "".join(f"O{i},x{i},finance,approve\n" for i in range(4))
    + "O0,y,legal,inform\nO0,y2,legal,inform\nP,z,investor,approve\n"
)


def test_shares_are_of_key_accounts_deals(company: Open, policy: Policy) -> None:
    frame = find(company(accounts=ACCOUNTS, opportunities=DEALS, stakeholders=PEOPLE), policy)["messages"]
    assert list(frame.columns) == COLUMNS and frame["role"].tolist() == ["finance", "legal"]
    assert (
        frame["share"].tolist() == pytest.approx([1.0, 0.25])
        and (frame["n"] == 4).all()
        and (frame["source"] == "deals").all()
    )
    assert "ledger" in frame.loc[0, "interests_en"] and "台账" in frame.loc[0, "message_zh"]


def test_flows_stand_in_where_no_person_is_on_record(company: Open, policy: Policy) -> None:
    steps = (
        "flow_id,step,part,role,department,source\nF,a,do,manager,,interview\nF,b,approve,,works council,interview\n"
    )
    opened = company(buying_steps=steps)
    opened.interests = {"works council": {"en": {"message": "Jobs stay."}}}
    frame = find(opened, policy)["messages"].set_index("role")
    assert frame.loc["works council", ["source", "n", "share"]].tolist() == ["flows", 1, 1.0]
    assert frame.loc["works council", "message_en"] == frame.loc["works council", "message_zh"] == "Jobs stay."
    assert find(company(), policy) == {}


@pytest.mark.parametrize(("language", "said"), [("en", "finance"), ("zh", "财务")])
def test_table_is_in_the_reader_s_language(language: str, said: str, company: Open, policy: Policy) -> None:
    frames = find(company(accounts=ACCOUNTS, opportunities=DEALS, stakeholders=PEOPLE), policy)
    table = display.display_table(
        Result("02_procurement_flow", "d", "p", "2025-12-31", [], frames), "messages", words(language)
    )
    assert table.iloc[0, 0] == said and table.iloc[1, 1].startswith("25%") and (table != "").all().all()
