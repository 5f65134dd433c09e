"""Who does the sums: words whole in English and anywhere in Chinese, shares of closed deals with a record, nothing made of silence."""

import re
from collections.abc import Callable

import pytest

from kaanalysis import aggregates
from kaanalysis.aggregates.reckoning import KINDS as WORDS_OF
from kaanalysis.aggregates.reckoning import patterns
from kaanalysis.analyses.reckoning import KINDS, measure
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
SAID = [
    ("Supplier SHORTLIST", "compare_offers"), ("asks for a discount.", "discount"), ("discounted price", "discount"),
    ("discount_request", "discount"), ("RFP/RFQ", "compare_offers"), ("add-on", "extras"), ("extras request", "extras"),
    ("free  training", "extras"), ("total cost of ownership", "value_case"), ("ROI", "value_case"), ("ROI测算", "value_case"),
    ("要求折扣", "discount"), ("多家比价会", "compare_offers"), ("客户要赠送培训", "extras"), ("投资回报分析", "value_case"),
    ("heroic effort", None), ("rebidding", None), ("discountenance", None), ("giftware shop", None), ("price", None),
    ("quote", None), ("报价", None), ("call", None), ("owner decides", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), SAID)
def test_words_in_python(text: str, kind: str | None) -> None:
    found = [k for k, p in patterns().items() if re.search(p, text.lower())]
    assert found == ([kind] if kind else [])


def deals(company: Open, texts: dict[str, list[str]], outcome: str = "won", steps: str = "") -> Company:
    accounts = "account_id,segment\n" + "".join(f"{a},{a[:-1]}\n" for a in texts)
    rows = "opportunity_id,account_id,outcome\n" + "".join(f"O{a},{a},{outcome}\n" for a in texts)
    acts = "opportunity_id,at,action,topic\n" + "".join(
        f'O{a},2025-01-01,visit,"{t}"\n' for a, ts in texts.items() for t in ts
    )
    tables = {"buying_steps": "flow_id,step,part,opportunity_id\n" + steps} if steps else {}
    return company(accounts=accounts, opportunities=rows, activities=acts, **tables)


def test_the_engine_reads_the_words_as_python_does(company: Open, policy: Policy) -> None:
    """Word borders differ between the two (RE2 knows Latin letters only); the patterns must not."""
    opened = deals(company, {f"KA{i}": [text] for i, (text, _) in enumerate(SAID)} | {"SMB0": ["call"]})
    frame = aggregates.reckoning_by_deal(opened, policy).set_index("opportunity_id")
    for i, (text, kind) in enumerate(SAID):
        row = frame.loc[f"OKA{i}"]
        assert [k for k in WORDS_OF if row[k]] == ([kind] if kind else []), text


def test_shares_by_hand_steps_included_and_silence_left_out(company: Open, policy: Policy) -> None:
    """KA: discount; shortlist as a step, extras; neither; and one with nothing on record. SMB: two calls. Any: 2 of 3 against 0 of 2."""
    texts = {"KA1": ["discount"], "KA2": ["extras"], "KA3": ["call"], "KA4": [], "SMB1": ["call"], "SMB2": ["call"]}
    numbers, frames = measure(deals(company, texts, steps="F,shortlist,do,OKA2\nG,value case,do,\n"), policy)
    value = {(n.name, n.segment): (n.value, n.n) for n in numbers}
    assert value["events_recorded_share", "KA"] == (0.75, 4) and value["sums_share", "KA"] == (pytest.approx(2 / 3), 3)
    assert value["compare_offers_share", "KA"][0] == value["discount_share", "KA"][0] == pytest.approx(1 / 3)
    # The value case belongs to no deal (an interview), and says nothing of any.
    assert value["value_case_share", "KA"] == (0, 3)
    assert value["sums_share_difference", "KA-SMB"] == (pytest.approx(2 / 3), 5)
    assert set(frames["reckoning"]["kind"]) == {"any", *KINDS}


def test_open_deals_and_companies_without_records_say_nothing(company: Open, policy: Policy) -> None:
    assert measure(deals(company, {"KA1": ["discount"], "SMB1": ["call"]}, outcome="open"), policy) == ([], {})
    assert measure(company(), policy) == ([], {})
