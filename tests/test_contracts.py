"""The contract against contract.md as it was agreed (transcribed here), and its own inner consistency."""

import pytest

from kaanalysis.contracts import ACTIONS, INDISPENSABLE, RULES, TABLES, Fault, did_you_mean, nearest

# contract.md, table by table; * = required.
AGREED = {
    "accounts": "account_id* name parent_account_id industry region employees annual_revenue reach ranked_on segment created_at",
    "opportunities": "opportunity_id* account_id* team owner channel partner_id product category origin created_at closed_at outcome* "
    "amount loss_reason lost_to_competitor exit",
    "teams": "team* motion* region mode",
    "stage_history": "opportunity_id* stage* entered_at*",
    "activities": "opportunity_id* at* action* owner person_id topic",
    "stakeholders": "opportunity_id* person_id* department role* part* key_person stance engaged_at",
    "buying_steps": "flow_id* step* part* department role person_id opportunity_id account_id category industry size_band step_no at "
    "started_at days amount authority_limit source",
    "value_items": "flow_id* role* item* amount*",
    "order_lines": "account_id* product* amount* at custom list_amount opportunity_id",
    "subscriptions": "account_id* product started_at* ended_at monthly_fee",
    "ownership": "account_id* team* from_at* to_at",
    "disputes": "account_id* opened_at* team_a* team_b* hours",
    "team_months": "team* month* sellers cost support_cost product_capacity releases quota bookings",
    "capability": "team* lane* item* level*",
}


def test_the_tables_are_those_agreed() -> None:
    assert list(TABLES) == list(AGREED)


@pytest.mark.parametrize("table", AGREED)
def test_columns_are_those_agreed_against_contract_md(table: str) -> None:
    words = AGREED[table].split()
    assert [c.name for c in TABLES[table].columns] == [w.rstrip("*") for w in words]
    required = {w[:-1] for w in words if w.endswith("*")}
    # disputes.hours is asked for besides: a dispute without hours says nothing.
    assert set(TABLES[table].required) == required | ({"hours"} if table == "disputes" else set())


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_reference_key_and_order_names_a_column_there_is(table) -> None:
    for column in table.columns:
        if column.references:
            target, key = column.references.split(".")
            assert key in TABLES[target].key
            assert list(TABLES).index(target) <= list(TABLES).index(table.name), "checked in this order"
        assert (column.type == "choice") == bool(column.choices)
        assert column.meaning
    for name in (*table.key, *table.after_as_of, *(c for o in table.orders for c in (o.earlier, o.later))):
        assert table.column(name)
    assert set(table.key) <= set(table.required)


def test_unknown_column_is_refused_with_the_list() -> None:
    with pytest.raises(KeyError, match=r"no column 'motto'; it has: team, motion"):
        TABLES["teams"].column("motto")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_fault_is_one_sentence_with_its_place(rule: str, action) -> None:
    text = Fault("accounts", "segment", 3, "ka", rule, action).sentence()
    assert text.startswith("accounts.segment, row 3, value 'ka': ")
    choices = ", SMB, KA" if rule == "unknown_choice" else ""  # which values there are is the first thing one asks
    meant = {"unknown_column": " (did you mean segment?)", "unknown_table": " (did you mean accounts.csv?)"}.get(
        rule, ""
    )
    assert text.endswith(f"{RULES[rule]}{choices}{meant} ({ACTIONS[action]})")


def test_a_name_that_nobody_is_near_has_no_hint() -> None:
    assert (
        Fault("accounts", "zebra", None, None, "unknown_column", "ignore")
        .sentence()
        .endswith("no such column (not read)")
    )
    assert nearest("Opportunity Id", ["opportunity_id", "account_id"]) == ["opportunity_id"]
    assert (
        did_you_mean("ka_lauch", ["ka_launch", "as_of"]) == " (did you mean ka_launch?)"
        and did_you_mean("x", ["ka_launch"]) == ""
    )


def test_indispensable_tables_come_first() -> None:
    assert tuple(TABLES)[: len(INDISPENSABLE)] == INDISPENSABLE
