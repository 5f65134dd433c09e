"""Seeds of an Apache-2.0 dbt package: the columns of a Salesforce export with hashed values; tests the schema."""

import csv

import pytest

from kaanalysis.contracts import UnusableData
from kaanalysis.imports import import_source


@pytest.fixture
def export(imported):
    return imported("salesforce", "salesforce_export")


def test_the_schema_is_read_and_every_deal_of_the_seeds_is_a_deleted_one(export):
    assert export.report.rows == {"accounts": 1, "opportunities": 0, "activities": 7, "order_lines": 10}
    assert export.report.faults == {"deleted": 28, "merged": 1, "no_opportunity": 13}
    assert export.ask(
        "SELECT count(*) FROM import_report WHERE file = 'sf_opportunity_data.csv' AND rule = 'deleted'"
    ) == [(10,)]


def test_orphans_stay_for_the_check_to_name(export):
    assert export.ask("SELECT count(*), count(account_id) FROM order_lines") == [(10, 0)]


def test_with_the_deleted_flag_off_the_deals_appear(real_data, tmp_path):
    (tmp_path / "from").mkdir()
    for path in real_data("salesforce_export").glob("*.csv"):
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = list(csv.DictReader(stream))
        with (tmp_path / "from" / path.name).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, lines[0])
            writer.writeheader()
            writer.writerows(line | ({"is_deleted": "false"} if "is_deleted" in line else {}) for line in lines)
    done = import_source("salesforce", tmp_path / "from", tmp_path / "out")
    assert done.rows["opportunities"] == 10 - done.faults["superseded"] + 3  # three of the superseded are accounts
    assert done.rows["stage_history"] == 10


def test_a_missing_column_is_named(real_data, tmp_path):
    (tmp_path / "from").mkdir()
    for path in real_data("salesforce_export").glob("*.csv"):
        text = path.read_text(encoding="utf-8-sig")
        (tmp_path / "from" / path.name).write_text(text.replace(",is_won,", ",is_one,"), encoding="utf-8")
    with pytest.raises(UnusableData, match=r"sf_opportunity_data\.csv has no column is_won"):
        import_source("salesforce", tmp_path / "from", tmp_path / "out")
    assert not (tmp_path / "out").exists()
