"""Which names a company's tables and files hold, and which of their values are words of the workbook that must stay."""

from __future__ import annotations

import pandas as pd

from kaanalysis.company import Company
from kaanalysis.contracts import TABLES
from kaanalysis.text import words

# Columns of the contract that hold names, by kind; accounts.name goes with its id.
CONTRACT = {"account_id": "account", "parent_account_id": "account", "opportunity_id": "deal", "flow_id": "deal", "owner": "seller",
            "partner_id": "partner", "person_id": "person"}  # fmt: skip
# Columns beside the contract that hold names: of ranking lists and interviews.
BESIDE = {
    "rankings": {"name": "account"},
    "interviews": {"company": "account", "interviewer": "person", "informant": "person"},
}
# Columns of the contract whose values a reader needs and analyses look up: a name that is also one of them stays in other texts.
KEPT = ("team", "team_a", "team_b", "region", "industry", "product", "category", "stage", "step", "department", "role", "size_band",
        "lane", "item", "action")  # fmt: skip


def names_of(company: Company) -> pd.DataFrame:
    """Every name that the company's tables and files hold: kind, name, id (of which the code word is made; the name itself where it has
    none), one row each. A customer's name goes with its account's id where one account only has that name."""
    found: list[tuple[str, str, str]] = [("company", company.info.name, company.info.name)]
    if company.has("accounts.name"):
        accounts = company.table("accounts")
        named = accounts.filter(accounts.name.notnull()).select("account_id", "name").distinct().execute()
        once = named[~named["name"].duplicated(keep=False)]
        found += [("account", n, i) for i, n in once.itertuples(index=False)]
    for table in company.tables:
        for column, kind in [*CONTRACT.items(), *([("name", "account")] if table == "accounts" else [])]:
            if column in {c.name for c in TABLES[table].columns} and company.has(f"{table}.{column}"):
                found += [(kind, n, n) for n in _distinct(company, table, column)]
    for beside, columns in BESIDE.items():
        frame: pd.DataFrame = getattr(company, beside)
        found += [
            (kind, n, n) for c, kind in columns.items() for n in frame[c].dropna().astype(str).unique() if n.strip()
        ]
    out = pd.DataFrame(found, columns=["kind", "name", "id"]).astype(str)
    return out.drop_duplicates(["kind", "name"]).reset_index(drop=True)


def _distinct(company: Company, table: str, column: str) -> list[str]:
    source = company.table(table)
    values = source.filter(source[column].notnull()).select(column).distinct().execute()[column]
    return sorted(str(v) for v in values)


def kept_words(company: Company) -> set[str]:
    """What texts are looked up by, and values of columns that stay as they are."""
    said = {part for key in words("en").texts for part in key.split(".")}
    said |= {c.name for t in TABLES.values() for c in t.columns} | set(TABLES)
    said |= {choice for t in TABLES.values() for c in t.columns for choice in c.choices}
    for table in company.tables:
        for column in KEPT:
            if column in {c.name for c in TABLES[table].columns} and company.has(f"{table}.{column}"):
                said.update(_distinct(company, table, column))
    return said
