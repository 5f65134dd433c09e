"""Both languages say the same things, and everything that a result can hold can be said."""

from __future__ import annotations

import re

import pytest

from kaanalysis.contracts import ACTIONS, RULES, TABLES
from kaanalysis.policy import load_policy
from kaanalysis.results import STATES, Finding, Number
from kaanalysis.text import LANGUAGES, MissingText, catalogue, fingerprint, words

PLACE = re.compile(r"\{[^}]+\}")
# Names out of the demo company's data and methods are translated into Chinese only; English shows them as they stand.
DATA_TERMS = ("terms.step.", "terms.party.", "terms.category.", "terms.product.", "terms.method.")
# So are the units and reasons of the policy: policy.toml says them in English, and twice would be once too often.
POLICY_TEXTS = ("policy_units.", "policy_sources.", "policy_sources_of.")


def own_keys(language: str) -> set[str]:
    return {k for k in catalogue(language) if not k.startswith(DATA_TERMS + POLICY_TEXTS)}


def test_both_languages_have_the_same_keys() -> None:
    assert own_keys("en") == own_keys("zh")


def test_both_languages_have_the_same_places_in_every_text() -> None:
    english, chinese = catalogue("en"), catalogue("zh")
    different = {k for k in own_keys("en") if sorted(PLACE.findall(english[k])) != sorted(PLACE.findall(chinese[k]))}
    assert different == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_states_rules_and_actions_have_texts(language: str) -> None:
    w = words(language)
    assert all(w.has(f"states.{s}") for s in STATES)
    assert all(w.has(f"rules.{r}") for r in RULES)
    assert all(w.has(f"actions.{a}") for a in ACTIONS)


def test_chinese_is_chinese() -> None:
    """A sentence left in English in the Chinese file would pass the key test."""
    chinese = catalogue("zh")
    english_words = re.compile(r"[A-Za-z]{3,} [A-Za-z]{3,}")
    plain = {k: PLACE.sub("", v) for k, v in chinese.items()}
    untranslated = [k for k, v in plain.items() if english_words.search(v) and not re.search(r"[\u4e00-\u9fff]", v)]
    assert untranslated == []


@pytest.mark.parametrize(
    ("value", "unit", "english", "chinese"),
    [
        (0.1594, "share", "16%", "16%"),
        (0.0312, "share", "3.1%", "3.1%"),
        (0.0004, "probability", "under 0.1%", "低于 0.1%"),
        (8_565_427.7, "CNY", "CN¥8.57M", "¥857万"),
        (123.4, "days", "123 days", "123 天"),
        (16.16, "months", "16.2 months", "16.2 个月"),
        (3, "steps", "3 steps", "3 个步骤"),
        (1, "steps", "1 step", "1 个步骤"),
        (1.0, "probability", "over 99.9%", "超过 99.9%"),
        (0.0, "share", "0%", "0%"),
        (None, "share", "not to be had", "无法得出"),
        (-4_509_513.0, "CNY", "-CN¥4.51M", "-¥451万"),
        (85.0, "CNY", "CN¥85", "¥85"),
    ],
)
def test_values_are_written_as_people_read_them(value: float | None, unit: str, english: str, chinese: str) -> None:
    assert words("en").value(value, unit) == english
    assert words("zh").value(value, unit) == chinese


def test_number_carries_interval_and_level() -> None:
    number = Number("success", "KA", 0.56, 0.49, 0.63, 0.95, 294, "share", "")
    assert words("en").number(number) == "56% (49% to 63%, 95% interval)"
    assert words("zh").number(number) == "56%（95% 区间 49% 至 63%）"


def test_interval_names_its_unit_once_and_rounds_like_the_value() -> None:
    number = Number("rmst_difference", "KA-SMB", 12.94, 9.613, 16.2, 0.95, 600, "months", "")
    assert words("en").number(number) == "12.9 months (9.6 to 16.2 months, 95% interval)"
    relief = Number("relief", "a", 10.5, 7.1, 15.8, 0.95, 233, "wins per 100 deals", "")
    assert words("zh").number(relief) == "每百单多赢 10.5 单（95% 区间每百单多赢 7.1 至 15.8 单）"


@pytest.mark.parametrize(
    ("value", "low", "high", "english"),
    [
        (11_208.4, 5115.2, 36_053.0, "11,000 accounts (5,100 to 36,000 accounts, 95% interval)"),
        (315.4, 300.1, 331.0, "315 accounts (300 to 331 accounts, 95% interval)"),  # narrow enough for three digits
        (None, 4523.5, None, "at least 4,500 accounts (95% interval)"),
        (1330.2, 1311.0, 1402.7, "1,330 accounts (1,311 to 1,400 accounts, 95% interval)"),  # never below those known
    ],
)
def test_estimated_counts_are_as_precise_as_their_interval(value, low, high, english: str) -> None:
    number = Number(
        "accounts_estimated", "SMB", value, low, high, 0.95, 162 if value == 315.4 else 1311, "accounts", "m"
    )
    assert words("en").number(number) == english


def test_methods_are_said_phrase_by_phrase_with_their_numbers() -> None:
    zh = words("zh")
    assert zh.method("permutation of clusters, 499 draws") == "整群置换检验，499 次抽样"
    assert zh.method("1 − ratio of sums over customers, t on the log scale") == "1 减客户合计之比，对数尺度上的 t 区间"
    assert zh.method("Wilson; nobody translated this") == "Wilson 得分区间；nobody translated this"
    assert words("en").method("Wilson; fewer than 10 customers") == "Wilson; fewer than 10 customers"


def test_number_without_interval_is_the_value_alone() -> None:
    assert words("en").number(Number("open_deals", "KA", 49, None, None, None, 294, "deals", "count")) == "49 deals"


def test_sentence_takes_its_numbers_from_the_finding() -> None:
    number = Number("success", "KA", 0.56, 0.49, 0.63, 0.95, 294, "share", "", 12)
    mark = Number("mark", "KA", 0.5, None, None, None, 294, "share", "policy")
    said = words("en").fill(
        "findings.success.reason.success_undecided",
        Finding("M-3.2", "success", "undecided", "success_undecided", (number, mark)),
    )
    assert "56% (49% to 63%, 95% interval)" in said


def test_sentence_about_a_number_that_is_not_there_is_refused() -> None:
    with pytest.raises(MissingText, match="mark@KA"):
        words("en").fill(
            "findings.success.reason.success_undecided", Finding("M-3.2", "success", "undecided", "success_undecided")
        )


def test_unknown_key_and_unit_are_refused() -> None:
    with pytest.raises(MissingText, match="no text 'nowhere'"):
        words("en")("nowhere")
    with pytest.raises(MissingText, match=r"units\.furlongs"):
        words("en").value(3.0, "furlongs")
    with pytest.raises(ValueError, match="language must be one of"):
        words("fr")


def test_every_unit_of_the_policy_that_a_flip_shows_has_a_name_in_both_languages() -> None:
    assert {k for k in catalogue("en") if k.startswith("policy_names.")}
    for key in (k for k in catalogue("en") if k.startswith("policy_names.")):
        load_policy().threshold(key.removeprefix("policy_names."))  # raises for a name that the policy does not have


def under(prefix: str) -> dict[str, str]:
    """The Chinese texts of one of POLICY_TEXTS by what they belong to."""
    assert prefix in POLICY_TEXTS
    return {k.removeprefix(prefix): v for k, v in catalogue("zh").items() if k.startswith(prefix)}


def test_every_policy_value_has_a_chinese_reason_and_every_unit_a_chinese_name_and_no_other_has() -> None:
    """Added, renamed or gone: kaanalysis/text/zh.policy.toml goes along. English says what policy.toml says."""
    thresholds = load_policy().thresholds
    assert not [k for k in catalogue("en") if k.startswith(POLICY_TEXTS)]
    assert set(under("policy_sources.")) == set(thresholds)
    assert set(under("policy_units.")) == {t.unit for t in thresholds.values()} - {""}
    for text in (*under("policy_sources.").values(), *under("policy_units.").values()):
        assert re.search(r"[\u4e00-\u9fff]", text), text
    for text in under("policy_sources.").values():
        assert text.endswith(("。", "）")) and not re.search(
            r"[,;:!?](?=[\u4e00-\u9fff])|[\u4e00-\u9fff][,;:!?(]", text
        ), text


def test_every_chinese_reason_is_of_the_english_one_as_it_reads_now() -> None:
    """A reason that was changed in English: its Chinese text changes first, then its line in [policy_sources_of], as it is given here."""
    wanted = {n: fingerprint(t.source) for n, t in load_policy().thresholds.items()}
    held = under("policy_sources_of.")
    assert {n: f for n, f in wanted.items() if held.get(n) != f} == {}
    assert set(held) == set(wanted)


def figures(text: str) -> set[float | str]:
    """The numbers of a reason by value (50 million = 5000 万), sections such as 3.2.1 as they are."""
    times = {"": 1, "million": 1_000_000, "万": 10_000}
    found = re.findall(r"(\d+(?:[.,]\d+)*)(?: ?(million|万))?", text)
    return {n if n.count(".") > 1 else float(n.replace(",", "")) * times[unit] for n, unit in found}


def findings_named(text: str) -> set[str]:
    return {m.rstrip(".") for m in re.findall(r"M-[A-Z0-9][0-9.]*[a-d]?", text)}


def test_a_chinese_reason_has_the_numbers_and_names_of_the_english_one() -> None:
    assert figures("M-1.5c: 50 million CNY, 1,000 at 95 %, section 3.2.1") == {1.5, 5e7, 1000.0, 95.0, "3.2.1"}
    assert figures("5000 万元") == {5e7} != figures("500 万元")
    chinese = under("policy_sources.")
    authors = re.compile(r"[A-Z][a-z]+(?:(?:, [A-Z][a-z]+)* and [A-Z][a-z]+| et al\.)?(?= \(?\d{4}|（\d{4})")
    for name, threshold in load_policy().thresholds.items():
        for read in (figures, findings_named, lambda text: set(authors.findall(text))):
            assert read(chinese[name]) == read(threshold.source), name


def test_a_reason_or_unit_that_has_no_chinese_text_is_shown_as_the_policy_has_it() -> None:
    zh, en, threshold = words("zh"), words("en"), load_policy().threshold("lifecycle.gap_months")
    name, source = threshold.name, threshold.source
    assert zh.policy_source(name, source) == catalogue("zh")[f"policy_sources.{name}"] != source
    assert zh.policy_source(name, f"  {source}\n") == zh.policy_source(name, source)
    own = "Our contracts pause over the summer."  # the analyst's own reason, of which there is no Chinese text
    assert zh.policy_source(name, own) == en.policy_source(name, own) == own
    assert zh.policy_source("ours.value", own) == own and en.policy_source(name, source) == source
    assert (zh.policy_unit("months"), en.policy_unit("months"), zh.policy_unit("furlongs")) == (
        "个月",
        "months",
        "furlongs",
    )
    assert (
        zh.unit("deals per account and year") == "单（每家客户每年）"
        and zh.unit("index") == ""
        and zh.unit("CNY") == "CNY"
    )


def test_tables_of_the_contract_are_known_to_the_dictionary() -> None:
    from kaanalysis.dictionary import dictionary

    assert all(f"### {name}\n" in dictionary() for name in TABLES)


@pytest.mark.parametrize(("language", "day"), [("en", "June 30, 2027"), ("zh", "2027年6月30日")])
def test_a_date_is_written_as_the_language_does_and_a_number_says_what_it_rests_on(language: str, day: str) -> None:
    wanted = Number("change_wanted", "M-0.2", 0.05, None, None, None, 315, "share difference", "")
    seen, cases = (Number(n, "M-0.2", v, None, None, None, 315, u, "") for n, v, u in (
        ("detectable_change", 0.087, "share difference"), ("cases_needed", 950.0, "accounts"),
    ))  # fmt: skip
    gap = Number("industry_gap", "retail", 0.02, -0.04, 0.07, 0.99, 315, "share difference", "")
    terms = {"industry": "retail", "next_until": "2027-06-30"}
    finding = Finding(
        "M-0.2", "industry_behind", "undecided", "industry_undecided", (gap, wanted, seen, cases), terms=terms
    )
    said = words(language).fill("findings.industry_behind.stop.unseen", finding)
    assert day in said and "950" in said and "315" in said
    assert ("retail" if language == "en" else "零售") in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_brackets_within_brackets(language: str) -> None:
    number = Number("flow_similarity_difference", "all", 0.2, 0.1, 0.3, 0.95, 40, "index", "m")
    values = [
        Number(f"flow_similarity_{k}", "all", v, None, None, 0.95, 40, "index", "m")
        for k, v in (("within", 0.9), ("between", 0.7))
    ]
    finding = Finding("M-2.6", "flow_library", "undecided", "library_undecided", (number, *values))
    said = words(language).fill("findings.flow_library.reason.library_undecided", finding)
    assert not re.search(r"[(（][^)）]*[(（]", said) and "0.1" in said and "0.3" in said, said


def test_a_whole_number_reads_the_same_whatever_its_last_digit() -> None:
    w = words("en")
    assert w.value(1.0, "ratio") == w.value(1.0 + 2e-16, "ratio") == w.value(1.0 - 2e-16, "ratio")
    assert w.value(1.001, "ratio") != w.value(1.0, "ratio")
