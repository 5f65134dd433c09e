"""Figures of 00 and 01 at their edges: one segment, intervals that are missing or boundless, nobody in a cohort, a single group."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_frames import base_assumptions, growth_by, number, problem_framing, result, statements
from matplotlib.figure import Figure
from matplotlib.text import Text

from kaanalysis import figures
from kaanalysis.figures import available, draw_figure, figure_title
from kaanalysis.figures.needs import patterns
from kaanalysis.figures.parts import log_ticks, window
from kaanalysis.results import Finding, Result
from kaanalysis.text import LANGUAGES

NEW = (
    ("00_problem_framing", ("problem_ranking", "growth_by", "penetration", "retention", "head_years")),
    ("01_base_assumptions", ("statements", "lorenz", "product_mix", "looks", "personas", "definitions")),
)
MADE = {"00_problem_framing": problem_framing, "01_base_assumptions": base_assumptions}


def drawn(made: Result, name: str, language: str = "en") -> Figure:
    spec = figures.spec(made.id, name)
    assert spec in available(made)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return draw_figure(spec, made, language)


def said(figure: Figure) -> str:
    return " ".join(t.get_text() for t in figure.findobj(Text)).replace("\n", " ")  # type: ignore[attr-defined]


def changed(made: Result, **frames: pd.DataFrame) -> Result:
    return result(made.id, made.findings, {**made.frames, **frames})


def numberless(made: Result) -> Result:
    """The same without any finding: figures must not depend on numbers beside their frames."""
    return result(made.id, [], made.frames)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("id", "name"), [(id, n) for id, names in NEW for n in names])
def test_draws_without_its_findings_and_without_intervals(id: str, name: str, language: str) -> None:
    made = MADE[id]()
    bare = {k: f.assign(**dict.fromkeys({"low", "high"} & set(f.columns), np.nan)) for k, f in made.frames.items()}
    figure = drawn(numberless(result(made.id, [], bare)), name, language)
    assert figures.figure_bytes(figure, "png")


@pytest.mark.parametrize("name", ["penetration", "retention", "growth_by"])
def test_one_segment_and_one_group_are_enough(name: str) -> None:
    made = problem_framing()
    frame = made.frames[name]
    some = (
        frame[frame["segment"] == "all"]
        if "segment" in frame
        else growth_by(("retail",)).query("dimension == 'industry'")
    )
    figure = drawn(changed(made, **{name: some}), name)
    assert "{" not in said(figure)
    assert len(figure.axes) == {"penetration": 1, "retention": 2, "growth_by": 3}[name]


@pytest.mark.parametrize("name", ["growth_bridge", "growth_by", "problem_ranking"])
def test_a_boundless_interval_does_not_flatten_the_rest(name: str) -> None:
    made = problem_framing()
    frame = made.frames[name].copy()
    value = "shortfall" if name == "problem_ranking" else "value"
    down = frame[value] < 0
    frame.loc[down, "low"] = -4e18
    axes = drawn(changed(made, **{name: frame}), name).axes
    ends = [abs(e) for ax in axes for e in (*ax.get_xlim(), *ax.get_ylim())]
    assert max(ends) < 40 * float(made.frames[name][value].abs().max())


def test_the_ranking_names_who_leads_only_where_it_is_sure() -> None:
    spec = figures.spec("00_problem_framing", "problem_ranking")
    made = problem_framing()
    assert "is open" in figure_title(spec, made, "en")
    ranking = made.frames["problem_ranking"]
    sure = ranking.assign(p_first=[0.99, 0.01, 0.0, 0.0])
    assert figure_title(spec, changed(made, problem_ranking=sure), "en").startswith("Most is missing")
    nothing = ranking.assign(shortfall=-1.0, counted=-1.0)
    assert "none of the four" in figure_title(spec, changed(made, problem_ranking=nothing), "en")
    # However often one leads: where no interval lies above 0, none surely misses anything.
    unsure = figure_title(spec, changed(made, problem_ranking=sure.assign(low=-1.0)), "en")
    assert unsure.startswith("None of the four problems surely misses anything against a target of 10% growth")


def test_the_ranking_shows_what_counts_at_which_level_and_that_none_may_miss_anything() -> None:
    made = problem_framing()
    text = said(drawn(made, "problem_ranking"))
    assert "+500K (+300K counts)" in text and "99% interval" in text and "none misses anything" in text
    all_of_it = made.frames["problem_ranking"].assign(counted=made.frames["problem_ranking"]["shortfall"])
    assert "counts)" not in said(drawn(changed(made, problem_ranking=all_of_it), "problem_ranking"))


def test_the_bridge_tells_contracts_that_run_on_from_customers_gone() -> None:
    made = problem_framing()
    spec = figures.spec(made.id, "growth_bridge")
    assert figure_title(spec, made, "en") == (
        "Won amount +20%, from CN¥2M to CN¥2.4M: KA +20%; SMB +20%, which has stopped growing"
    )
    text = said(drawn(made, "growth_bridge"))
    assert "still under contract (CN¥400K of CN¥600K)" in text and "July 1, 2024 to June 30, 2025" in text
    bridge = made.frames["growth_bridge"]
    without = bridge[~bridge["part"].isin(["still_under_contract", "gone"])]
    assert "not to say that the customer is lost" in said(drawn(changed(made, growth_bridge=without), "growth_bridge"))


def test_every_segment_counts_its_own_cohorts() -> None:
    made = problem_framing()
    frame = made.frames["retention"].copy()
    frame.loc[(frame["segment"] == "KA") & (frame["cohort"] == "2023"), "n"] = 17
    figure = drawn(changed(made, retention=frame), "retention")
    labels = [[t.get_text() for t in ax.get_xticklabels()] for ax in figure.axes[2:]]
    assert labels == [["2023\n25", "2024\n3"], ["2023\n17", "2024\n3"]]


def test_the_penetration_title_names_key_accounts_beside_all() -> None:
    title = figure_title(figures.spec("00_problem_framing", "penetration"), problem_framing(), "en")
    assert "retail" in title and "among key accounts alone finance: 20 percentage points" in title


def test_a_statement_without_data_has_a_row_of_its_own() -> None:
    text = said(drawn(problem_framing(), "problem_ranking"))
    assert "leading customers" in text and "no data" in text


def test_thin_cohorts_are_hollow_and_empty_ones_left_out() -> None:
    made = problem_framing()
    retention = made.frames["retention"]
    gone = retention[~((retention["segment"] == "KA") & (retention["cohort"] == "2023"))]
    axes = drawn(changed(made, retention=gone), "retention").axes
    dots = [line for line in axes[1].lines if line.get_marker() == "o"]
    assert [str(d.get_markerfacecolor()) for d in dots] == ["white"]


def test_heads_without_a_chain_or_with_a_single_year() -> None:
    made = problem_framing()
    alone = result(made.id, made.findings, {"head_years": made.frames["head_years"]})
    assert len(drawn(alone, "head_years").axes) == 1
    one = changed(made, head_years=made.frames["head_years"].query("year == 0"))
    assert "head_years" not in [s.name for s in available(one)]


def test_statements_say_how_many_hold_and_draw_what_has_no_end() -> None:
    spec = figures.spec("01_base_assumptions", "statements")
    made = base_assumptions()
    assert figure_title(spec, made, "en") == (
        "All 8 base assumptions hold by the company's own label; 4 of 5 findings keep their verdict under 3 definitions of a key account"
        " (1 with the same customers as another)"
    )
    frame = statements()
    frame.loc[0, "high"] = np.nan  # a lower limit alone
    frame.loc[2, ["value", "low", "high"]] = np.nan
    frame.loc[2, "state"] = "no_data"
    frame.loc[4, "state"] = "contradicted"
    mixed = changed(made, statements=frame)
    assert figure_title(spec, mixed, "en").startswith(
        "Of 8 base assumptions by the company's own label: 6 supported, 1 contradicted, 0 undecided, 1 without"
    )
    assert "at least" in said(drawn(mixed, "statements"))
    frame.loc[0, ["value", "low"]] = np.nan, 4523.5  # not even a middle value
    assert "at least 4,500 accounts" in said(drawn(changed(made, statements=frame), "statements"))
    empty = frame.assign(value=np.nan, low=np.nan)
    assert "statements" not in [s.name for s in available(changed(made, statements=empty))]


def test_lorenz_stands_alone_without_lists() -> None:
    made = base_assumptions()
    curve = made.frames["lorenz"].query("segment == 'KA'").assign(segment="all")
    top = number("top10_share", "all", 0.3, "share")
    alone = result(
        made.id, [Finding("M-1.1", "market", "no_data", "no_segments", (top,), needs=("a",))], {"lorenz": curve}
    )
    assert len(drawn(alone, "lorenz").axes) == 1
    assert (
        figure_title(figures.spec(made.id, "lorenz"), alone, "en")
        == "The ten largest customers hold 30% of all that was won"
    )


def test_accounts_on_no_list_may_have_no_estimate_or_a_lower_limit_alone() -> None:
    made = base_assumptions()
    finding = made.finding("M-1.1")
    none = tuple(
        replace(n, value=None, low=None, high=None) if n.name == "accounts_estimated" else n for n in finding.numbers
    )
    least = tuple(replace(n, value=None, high=None) if n.name == "accounts_estimated" else n for n in finding.numbers)
    for numbers, text in ((none, "cannot be estimated"), (least, "at least")):
        other = [replace(finding, numbers=numbers) if f.id == "M-1.1" else f for f in made.findings]
        assert text in said(drawn(result(made.id, other, made.frames), "lorenz"))


def test_many_products_end_in_a_row_of_the_others() -> None:
    made = base_assumptions()
    many = pd.DataFrame([(s, f"product {i}", 1 / 20) for s in ("SMB", "KA") for i in range(20)])
    many.columns = pd.Index(["segment", "product", "share"])
    assert "10 other products" in said(drawn(changed(made, product_mix=many), "product_mix"))


def test_patterns_count_customers_with_two_axes_known_and_tell_mixed_ones() -> None:
    found = patterns(base_assumptions().frames["looks"].query("segment == 'SMB'"))
    assert found["count"].tolist() == [12, 5] and found["kind"].tolist() == [0, 1]
    nobody = base_assumptions().frames["looks"].assign(stay=None, needs=None, pay=None)
    assert patterns(nobody).empty
    assert "looks" not in [s.name for s in available(changed(base_assumptions(), looks=nobody))]


def test_personas_without_reach_or_waiting_accounts() -> None:
    made = base_assumptions()
    all_ours = made.frames["personas"].assign(reach=None, customer=True)
    figure = drawn(changed(made, personas=all_ours), "personas")
    assert "all of them customers" in said(figure) and "not recorded" in said(figure)
    # Prospects and customers that signed nothing in the window stand apart from those who are key by revenue or not.
    assert "never customers" in said(figure) and "9 accounts" in said(figure) and "7 customers" in said(figure)
    alone = result(made.id, made.findings, {"personas": made.frames["personas"]})
    assert len(drawn(alone, "personas").axes) == 1


def test_definitions_need_two_and_mark_what_moves() -> None:
    made = base_assumptions()
    assert "4 of 5" in said(drawn(made, "definitions")) and "(= own label)" in said(drawn(made, "definitions"))
    single = made.frames["definitions"].query("definition == 'label'")
    mute = made.frames["definitions"].query("definition != 'size'").copy()
    mute.loc[mute["definition"] == "persona", "state"] = "no_data"  # it leaves one group without customers
    assert "definitions" not in [s.name for s in available(changed(made, definitions=mute))]
    assert "definitions" not in [s.name for s in available(changed(made, definitions=single))]


def test_a_window_holds_values_and_cuts_only_what_lies_far_off() -> None:
    assert window([1.0, 2.0], [0.5, np.nan], [1.5, np.inf])[1] == pytest.approx(8.0, rel=0.1)
    low, high = window([], [], [])
    assert low < 0 < high
    low, high = window([-3.0], [np.nan], [np.nan])
    assert low < -3 and high > 0


def test_logarithmic_ticks_stay_few() -> None:
    for low, high in ((1.2, 9.0), (1.0, 1e4), (3e-3, 2e9), (210.0, 1100.0)):
        axis = Figure().subplots().xaxis
        axis.axes.set_xscale("log")
        log_ticks(axis, low, high, lambda value, _: str(value), 6)
        ticks = axis.get_major_locator().tick_values(low, high)
        assert 2 <= len(ticks) <= 6 and all(low <= t <= high for t in ticks)
