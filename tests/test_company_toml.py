"""company.toml: what is wrong with it is one sentence."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from kaanalysis.company import Company, open_company
from kaanalysis.contracts import UnusableData


@pytest.mark.parametrize(("toml", "message"), [
    ({"as_of": "soon"}, "as_of = 'soon' must be an ISO 8601 date"),
    ({"as_of": None}, "as_of is missing"),
    ({"currency": "yuan"}, "ISO 4217"),
    ({"language": "fr"}, "must be one of en, zh"),
    ({"ka_launch": dt.date(2026, 1, 1)}, "ka_launch = 2026-01-01 lies after as_of"),
    ({"colour": "red"}, "unknown key colour"),
])  # fmt: skip
def test_a_wrong_company_toml_is_refused_in_one_sentence(
    toml: dict, message: str, company_folder: Callable[..., Path]
) -> None:
    with pytest.raises(UnusableData, match=message):
        open_company(company_folder(toml))


def test_missing_company_toml_is_refused(company_folder: Callable[..., Path]) -> None:
    folder = company_folder()
    (folder / "company.toml").unlink()
    with pytest.raises(UnusableData, match=r"company\.toml is missing"):
        open_company(folder)


def test_dates_in_quotes_and_without_are_the_same(company: Callable[..., Company]) -> None:
    infos = [company({"as_of": day, "observed_from": start}).info for day, start in
             [(dt.date(2025, 6, 30), dt.date(2020, 1, 1)), ("2025-06-30", "2020-01-01")]]  # fmt: skip
    assert infos[0] == infos[1]
    assert infos[0].as_of == dt.date(2025, 6, 30)
