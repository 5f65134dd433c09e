"""M-2.3's numbers: key person and key opinion are two things, whoever marked them."""

from collections.abc import Callable

import pytest

from kaanalysis import aggregates
from kaanalysis.analyses.procurement_flow import analyse
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]


def test_key_persons_key_opinions_and_deals_without_a_mark(company: Open, policy: Policy) -> None:
    """O1: p is marked (in one of two rows) and influences too: a key person, no key opinion; q influences: a key opinion. O2: nobody is
    marked, r influences. Early: p on day 3, q on day 40 of 30."""
    opened = company(
        accounts="account_id,segment\nA1,KA\n",
        opportunities="opportunity_id,account_id,outcome,created_at,amount\nO1,A1,open,2025-01-01,5\nO2,A1,open,2025-01-01,\n",
        stakeholders="opportunity_id,person_id,role,part,key_person,engaged_at\n"
        "O1,p,manager,approve,true,2025-01-04\nO1,p,finance,influence,,\nO1,q,user,influence,false,2025-02-10\nO2,r,user,influence,,\n",
    )
    frame = aggregates.parties_by_deal(opened, policy)
    columns = ["persons", "influence", "key_persons", "key_opinions", "early_persons", "early_roles"]
    assert frame[columns].to_numpy().tolist() == [[2, 2, 1, 1, 1, 1], [1, 1, 0, 1, 0, 0]]
    assert frame["amount"].tolist()[0] == 5
    result = analyse(opened, policy, {})
    found = result.finding("M-2.3")
    value = {n.name: n.value for n in found.numbers if n.segment == "KA"}
    assert (value["key_persons"], value["key_opinion_persons"], value["no_key_person_share"]) == (0.5, 1.0, 0.5)
    frame = result.frames["parties_by_part"].set_index("kind")
    assert frame.loc["influence_parties", "value"] == pytest.approx(1.5)


def test_without_the_mark_nothing_is_said_of_it(company: Open, policy: Policy) -> None:
    opened = company(stakeholders="opportunity_id,person_id,role,part\nO1,p,owner,approve\nO1,q,user,influence\n")
    numbers = analyse(opened, policy, {}).finding("M-2.3").numbers
    assert not {n.name for n in numbers} & {
        "key_persons",
        "key_opinion_persons",
        "no_key_person_share",
        "parties_unmet",
    }
