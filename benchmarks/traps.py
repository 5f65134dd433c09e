"""Every named company read naively and read rightly, beside what was planted: ``make traps`` writes docs/companies.md and .zh.md.

The naive reading is what a spreadsheet gives at first sight; it goes wrong on purpose of the company. The right reading is the workbook's
where a finding answers the question, else a plain count of the same tables that avoids the trap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from benchmarks.validity.engine import Engine
from kaanalysis.analyses import alignment
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company
from kaanalysis.policy import Policy, load_policy
from kaanalysis.results import Finding, Result
from kaanalysis.simulate import draw_company, parameters, population_truth
from kaanalysis.simulate.world import World
from kaanalysis.text import words

SIZE = 3.0
DOCS = Path(__file__).parent.parent / "docs"
Value = float | int | str


@dataclass(frozen=True)
class Judged:
    """A number of the workbook with its interval and the state of its finding."""

    value: Value
    low: float | None
    high: float | None
    state: str


@dataclass(frozen=True)
class Reading:
    """Everything a trap may look at: the world and its truth, the tables as frames, and the workbook's analyses, run when asked."""

    world: World
    truth: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    company: Company | None = None
    policy: Policy | None = None
    results: dict[str, Result] = field(default_factory=dict)

    @property
    def deals(self) -> pd.DataFrame:
        """Opportunities with the account's segment and the team's motion, times as dates."""
        deals = self.tables["opportunities"].merge(
            self.tables["accounts"][["account_id", "segment", "region"]], on="account_id"
        )
        deals = deals.merge(self.tables["teams"][["team", "motion"]], on="team", how="left")
        for column in ("created_at", "closed_at"):
            deals[column] = pd.to_datetime(deals[column])
        return deals

    @property
    def launch(self) -> pd.Timestamp:
        return pd.Timestamp(self.world.ka_launch)

    @property
    def as_of(self) -> pd.Timestamp:
        return pd.Timestamp(self.world.as_of)

    def segment(self, label: str) -> Mapping[str, Any]:
        return self.truth["segments"][label]

    def result(self, id: str) -> Result:
        if id not in self.results:
            assert self.company is not None and self.policy is not None
            with only_numbers():
                upstream = {u: self.result(u) for u in REGISTRY[id].upstream}
                self.results[id] = REGISTRY[id].analyse(self.company, self.policy, upstream)
        return self.results[id]

    def finding(self, id: str) -> Finding:
        return self.result(next(a.id for a in REGISTRY.values() if id in a.feeds)).finding(id)

    def number(self, id: str, name: str, segment: str) -> Judged:
        found = self.finding(id)
        n = next(n for n in found.numbers if n.name == name and n.segment == segment)
        return Judged(n.value if n.value is not None else "–", n.low, n.high, found.state)


@dataclass(frozen=True)
class Trap:
    """One company's trap: what is read naively and rightly (English, Chinese) and how; planted: the truth behind the right reading.

    fooled, denied: (mark, side). The naive reading misleads where it lies on that side of its mark (+1 above, -1 below); the right
    reading and the truth both lie on the side of theirs that says otherwise. None: names of steps, which must differ or agree."""

    naive: tuple[str, str]
    right: tuple[str, str]
    read_naively: Callable[[Reading], Value]
    read_rightly: Callable[[Reading], Value | Judged]
    planted: Callable[[Reading], Value]
    fooled: tuple[float, int] | None = None
    denied: tuple[float, int] | None = None

    def misleads(self, naive: Value, truth: Value) -> bool:
        """Whether the naive reading says what is not so."""
        return beyond(naive, self.fooled) if self.fooled is not None else naive != truth

    def agrees(self, right: Value | Judged, truth: Value) -> bool:
        """Whether the right reading says what is so."""
        value = right.value if isinstance(right, Judged) else right
        return (
            (beyond(value, self.denied) and beyond(truth, self.denied)) if self.denied is not None else value == truth
        )


def beyond(value: Value, mark: tuple[float, int]) -> bool:
    """Whether a number lies on the mark's side."""
    return not isinstance(value, str) and (value - mark[0]) * mark[1] > 0


def plain(value: Value | None) -> str:
    """Three significant digits, no exponent below a million."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def shown(right: Value | Judged, language: str) -> str:
    """A right reading as text: value, interval, state."""
    if not isinstance(right, Judged):
        return f"**{plain(right)}**"
    span = "" if right.low is None or right.high is None else f" [{plain(right.low)}, {plain(right.high)}]"
    return f"**{plain(right.value)}**{span} · {words(language)(f'states.{right.state}')}"


def staged_in_time(r: Reading, step: str) -> float:
    """Of the key-account deals whose customer took the step, the share with a stage of that name entered by the day it ended."""
    steps, stages = r.tables["buying_steps"], r.tables["stage_history"]
    taken = steps[(steps["step"] == step) & steps["opportunity_id"].notna()][["opportunity_id", "at"]]
    both = taken.merge(stages[stages["stage"] == step], on="opportunity_id", how="left")
    return float((pd.to_datetime(both["entered_at"]) <= pd.to_datetime(both["at"])).mean())


def met_in_time(r: Reading, step: str) -> float | str:
    """Of the closed deals that reached the step, the share in which its role had been met by then."""
    assert r.company is not None and r.policy is not None
    with only_numbers():
        numbers, _, _ = alignment.measure(r.company, r.policy)
    found = next(n.value for n in numbers if n.name == "step_covered" and n.segment == step)
    return found if found is not None else "–"


# Naive and right counts ------------------------------------------------------------------------------------------


def closed_share(r: Reading, label: str = "KA") -> float:
    closed = r.deals.query("outcome != 'open' and segment == @label")
    return float((closed["outcome"] == "won").mean())


def weighted_share(r: Reading) -> float:
    old = r.deals.query("segment == 'KA'").loc[lambda d: d["created_at"] <= r.as_of - pd.DateOffset(years=1)]
    return float(old.loc[old["outcome"] == "won", "amount"].sum() / old["amount"].sum())


def deal_size_ratio(r: Reading) -> float:
    won = r.deals.query("outcome == 'won'")
    late = won[won["created_at"] >= r.launch]
    return float(late.loc[late["motion"] == "KA", "amount"].mean() / late.loc[late["motion"] == "SMB", "amount"].mean())


def key_deal_size_ratio(r: Reading) -> float:
    key = r.deals.query("segment == 'KA'")  # all deals, won or not: who wins larger ones must not pass for larger ones
    return float(
        key.loc[(key["motion"] == "KA"), "amount"].median() / key.loc[key["created_at"] < r.launch, "amount"].median()
    )


def partner_win_ratio(r: Reading) -> float:
    assert r.world.channel is not None
    mine = r.deals.query("motion == 'channel' and outcome != 'open'")
    mine = mine[mine["region"].isin(r.world.channel.regions)]
    share = (mine["outcome"] == "won").groupby(mine["created_at"] >= r.launch).mean()
    return float(share[True] / share[False])


def unregistered_share(r: Reading) -> float:
    """Of the sales in the regions' channel accounts since the launch, the share without a registered deal (by number of sales)."""
    assert r.world.channel is not None
    lines = r.tables["order_lines"].merge(r.tables["accounts"][["account_id", "region"]], on="account_id")
    lines = lines[lines["region"].isin(r.world.channel.regions) & (pd.to_datetime(lines["at"]) >= r.launch)]
    silent = int(lines["opportunity_id"].isna().sum())
    won = r.deals.query("motion == 'channel' and outcome == 'won'")
    won = won[won["region"].isin(r.world.channel.regions) & (won["closed_at"] >= r.launch)]
    return silent / (silent + len(won))


def planted_unregistered(r: Reading) -> float:
    c = r.world.channel
    assert c is not None
    return c.withheld / (c.withheld + (1 - c.withheld) * (1 - c.diverted))


def ka_pipeline(r: Reading) -> int:
    return int((r.deals["motion"] == "KA").sum())


def parallel_share(r: Reading) -> float:
    """Of the KA team's deals, the share for whose customer an SMB team had a deal open on the day it was opened or within three days."""
    deals = r.deals.assign(end=lambda d: d["closed_at"].fillna(r.as_of))
    key, smb = deals[deals["motion"] == "KA"], deals[deals["motion"] == "SMB"]
    pairs = key[["opportunity_id", "account_id", "created_at", "end"]].merge(
        smb[["account_id", "created_at", "end"]], on="account_id", suffixes=("", "_smb"))  # fmt: skip
    days = pd.Timedelta(days=3)
    both = pairs[
        (pairs["created_at_smb"] <= pairs["created_at"] + days) & (pairs["end_smb"] >= pairs["created_at"] - days)
    ]
    return both["opportunity_id"].nunique() / len(key)


def planted_contested(r: Reading) -> float:
    from kaanalysis.simulate.kinds import kinds

    rival = sum(k.weight for k in kinds(r.world, "SMB") if k.lost)
    pairs = r.world.smb.opportunities * rival / (1 - rival)
    key = r.world.ka.opportunities * sum(k.weight for k in kinds(r.world, "KA") if k.workers == "key")
    return float(pairs / (pairs + key))


def last_years(frame: pd.DataFrame, r: Reading) -> tuple[float, float]:
    """Won amount of the last twelve months and of the twelve before."""
    won = frame[frame["outcome"] == "won"]
    now, before = r.as_of - pd.DateOffset(years=1), r.as_of - pd.DateOffset(years=2)
    return (float(won.loc[won["closed_at"] > now, "amount"].sum()),
            float(won.loc[(won["closed_at"] > before) & (won["closed_at"] <= now), "amount"].sum()))  # fmt: skip


def total_growth(r: Reading) -> float:
    now, before = last_years(r.deals, r)
    return now / before - 1


def ka_growth(r: Reading) -> float:
    """KA teams' won amount of the last twelve months against the twelve before."""
    now, before = last_years(r.deals[r.deals["motion"] == "KA"], r)
    return now / before - 1


def before_and_after(r: Reading) -> tuple[float, float]:
    """Growth of the total won amount: the last twelve months against the twelve before the launch."""
    won = r.deals.query("outcome == 'won'")
    early = won[(won["closed_at"] >= r.launch - pd.DateOffset(years=1)) & (won["closed_at"] < r.launch)]["amount"].sum()
    return float(early), last_years(r.deals, r)[0]


def growth_since_launch(r: Reading) -> float:
    early, now = before_and_after(r)
    return now / early - 1


def smb_conversion_ratio(r: Reading) -> float:
    """SMB: share won of the deals opened in the last year but one quarter, against those opened before the launch (all closed by now)."""
    smb = r.deals.query("segment == 'SMB' and motion == 'SMB'")
    ripe = smb[smb["created_at"] <= r.as_of - pd.DateOffset(months=3)]
    late = ripe[ripe["created_at"] > r.as_of - pd.DateOffset(months=15)]
    early = ripe[ripe["created_at"] < r.launch]
    return float((late["outcome"] == "won").mean() / (early["outcome"] == "won").mean())


def planted_conversion_ratio(r: Reading) -> float:
    from kaanalysis.simulate.kinds import Kind, cells

    assert r.world.starving is not None
    won = []
    for gap in (-r.world.starving.effect, 0.0):
        kind = [Kind(1.0, "others", gap)]
        won.append(
            sum(
                w * float((p[:, None] * k[None, :] * t.prod(axis=2)).sum())
                for w, p, k, t, _ in cells(r.world, r.world.smb, kind)
            )
        )
    return won[0] / won[1]


def attainment(r: Reading) -> float:
    months = r.tables["team_months"].merge(r.tables["teams"][["team", "motion"]], on="team")
    mine = months[(months["motion"] == "KA") & (pd.to_datetime(months["month"]) > r.as_of - pd.DateOffset(years=1))]
    return float(mine["bookings"].sum() / mine["quota"].sum())


def moved_share(r: Reading) -> float:
    """Share of what KA teams won since the launch that came from customer groups which other teams had won from before it."""
    won = r.deals.query("outcome == 'won'").merge(
        r.tables["accounts"][["account_id", "parent_account_id"]], on="account_id"
    )
    group = won["parent_account_id"].fillna(won["account_id"])
    before = set(group[(won["motion"] != "KA") & (won["closed_at"] < r.launch)])
    late = (won["motion"] == "KA") & (won["closed_at"] >= r.launch)
    return float(won.loc[late & group.isin(before), "amount"].sum() / won.loc[late, "amount"].sum())


def replica(r: Reading) -> Reading:
    """A company of the same kind, forty times the size, from other random numbers: what is counted in it is as good as exact."""
    made = draw_company(r.world, 40, 40.0)
    return Reading(
        r.world, r.truth, {n: made[n].to_pandas() for n in ("accounts", "opportunities", "teams", "team_months")}
    )


def present_age(r: Reading) -> float:
    """Mean months since the start of today's KA customers minus that of today's SMB customers."""
    subs = r.tables["subscriptions"].merge(r.tables["accounts"][["account_id", "segment"]], on="account_id")
    start = pd.to_datetime(subs["started_at"]).groupby([subs["segment"], subs["account_id"]]).min()
    there = subs["ended_at"].isna().groupby([subs["segment"], subs["account_id"]]).any()
    age = (r.as_of - start[there]).dt.days / 30.4375
    mean = age.groupby(level=0).mean()
    return float(mean["KA"] - mean["SMB"])


def churned_tenure(r: Reading) -> float:
    """Mean months that customers won since the records began had stayed when they left, KA minus SMB."""
    subs = r.tables["subscriptions"].merge(r.tables["accounts"][["account_id", "segment"]], on="account_id")
    keys = [subs["segment"], subs["account_id"]]
    start, end = (
        pd.to_datetime(subs["started_at"]).groupby(keys).min(),
        pd.to_datetime(subs["ended_at"]).groupby(keys).max(),
    )
    gone = ~subs["ended_at"].isna().groupby(keys).any() & (start >= pd.Timestamp(r.world.observed_from))
    mean = ((end - start)[gone].dt.days / 30.4375).groupby(level=0).mean()
    return float(mean["KA"] - mean["SMB"])


def products_per_account(r: Reading) -> float:
    lines = r.tables["order_lines"].merge(r.tables["accounts"][["account_id", "segment"]], on="account_id")
    count = lines.groupby(["segment", "account_id"])["product"].nunique().groupby(level=0).mean()
    return float(count["KA"] - count["SMB"])


def products_of_two_lines(r: Reading) -> float:
    """Chance that two order lines of one account differ in product, KA minus SMB: Simpson's unbiased index, which does not depend on the
    number of lines (accounts with two or more)."""
    lines = r.tables["order_lines"].merge(r.tables["accounts"][["account_id", "segment"]], on="account_id")
    per = lines.groupby(["segment", "account_id", "product"]).size()
    n = per.groupby(level=[0, 1]).sum()
    same = (per * (per - 1)).groupby(level=[0, 1]).sum()
    enough = n >= 2
    mean = (1 - same[enough] / (n[enough] * (n[enough] - 1))).groupby(level=0).mean()
    return float(mean["KA"] - mean["SMB"])


def mean_spend_ratio(r: Reading) -> float:
    won = r.deals[(r.deals["outcome"] == "won") & (r.deals["closed_at"] > r.as_of - pd.DateOffset(years=1))]
    mean = won.groupby(["segment", "account_id"])["amount"].sum().groupby(level=0).mean()
    return float(mean["KA"] / mean["SMB"])


def register(r: Reading, label: str = "SMB") -> pd.DataFrame:
    owned = set(r.tables["ownership"]["account_id"])
    mine = r.tables["accounts"].query("segment == @label")
    return mine.assign(worked=mine["account_id"].isin(owned), on_list=mine["ranked_on"].notna())


def known(r: Reading) -> int:
    return len(register(r))


def chapman(r: Reading) -> float:
    """Potential customers not yet in the register: Chapman's estimate of the market from two independent lists (worked; on a ranking)."""
    book = register(r)
    worked, on_list, both = (
        int(book["worked"].sum()),
        int(book["on_list"].sum()),
        int((book["worked"] & book["on_list"]).sum()),
    )
    return (worked + 1) * (on_list + 1) / (both + 1) - 1 - len(book)


def roles_per_deal(r: Reading) -> float:
    people = (
        r.tables["stakeholders"]
        .merge(r.deals[["opportunity_id", "segment"]], on="opportunity_id")
        .query("segment == 'KA'")
    )
    return float(people.groupby("opportunity_id")["role"].nunique().mean())


def longest_dwell(r: Reading) -> str:
    return r.finding("M-3.6").terms["slowest"]


def most_losses(r: Reading) -> str:
    table = r.result("03_sales_flow").frames["bottlenecks"]
    return str(table.loc[(table["entered"] * table["lost_share"]).idxmax(), "step"])


def highest_loss_rate(r: Reading) -> str:
    table = r.result("03_sales_flow").frames["bottlenecks"]
    return str(table.loc[table["lost_share"].idxmax(), "step"])


def slow_steps(r: Reading) -> int:
    """Steps in which a deal stays more than two weeks (median)."""
    return int((r.result("03_sales_flow").frames["bottlenecks"]["median_days"] > 14).sum())


def best_lane(r: Reading) -> float:
    levels = r.tables["capability"].merge(r.tables["teams"], on="team").query("motion == 'KA'")
    return float(levels.groupby("lane")["level"].mean().max())


def top_step(r: Reading) -> Judged:
    found = r.finding("M-3.6")
    return Judged(found.terms["step"] if found.state == "supported" else "–", None, None, found.state)


SUCCESS = ("KA success within 12 months (M-3.2)", "十二个月内大客户成功率（M-3.2）")
CLOSED = ("KA won / (won + lost)", "大客户 赢单 /（赢单 + 丢单）")


LIFE = ("restricted mean life over 36 months, KA − SMB (M-1.2)", "三十六个月限制平均寿命之差（M-1.2，月）")


def true_life(r: Reading) -> float:
    return float(r.segment("KA")["lifetime"]["rmst_months"] - r.segment("SMB")["lifetime"]["rmst_months"])


def success(r: Reading) -> Judged:
    return r.number("M-3.2", "success", "KA")


def true_success(r: Reading) -> float:
    return float(r.segment("KA")["won"]["365"])


TRAPS: dict[str, Trap] = {
    "healthy": Trap(
        (
            "mean tenure of new customers that left, KA − SMB (months)",
            "新客户中已流失者的平均年限，大客户减中小客户（月）",
        ),
        LIFE,
        churned_tenure,
        lambda r: r.number("M-1.2", "rmst_difference", "KA-SMB"),
        true_life,
        (0, -1),
        (0, 1),
    ),
    "hatching": Trap(
        ("KA team's mean deal against SMB's", "大客户团队平均单额是中小客户的几倍"),
        ("median KA deal since the launch against before", "启动后与启动前大客户单额中位数之比"),
        deal_size_ratio,
        key_deal_size_ratio,
        lambda r: r.world.ka_team.amount / r.world.smb_on_ka.amount,
        (1, 1),
        (1.1, -1),
    ),
    "channel": Trap(
        ("partners' win rate since the launch against before", "渠道赢单率：启动后与启动前之比"),
        ("share of their sales without a registered deal", "没有报备的成交占比"),
        partner_win_ratio,
        unregistered_share,
        planted_unregistered,
        (1, 1),
        (0.1, 1),
    ),
    "rival_team": Trap(
        ("KA team's deals", "大客户团队的商机数"),
        ("share of them that SMB had open for the same customer", "其中中小客户团队同时在跟的占比"),
        ka_pipeline,
        parallel_share,
        planted_contested,
        (100, 1),
        (0.1, 1),
    ),
    "siphon": Trap(
        ("growth of the KA team's revenue, last year", "大客户团队收入近一年增长"),
        ("share from accounts taken over (M-D)", "来自接手客户的占比（M-D）"),
        ka_growth,
        lambda r: r.number("M-D", "moved_share", "KA"),
        lambda r: moved_share(replica(r)),
        (0, 1),
        (0.5, 1),
    ),
    "starved_product": Trap(
        ("total revenue against the year before the launch", "总收入相对启动前一年的增长"),
        ("SMB conversion, last year against before the launch", "中小客户转化率：近一年与启动前之比"),
        growth_since_launch,
        smb_conversion_ratio,
        planted_conversion_ratio,
        (0, 1),
        (0.9, -1),
    ),
    "shortfall": Trap(
        ("total revenue against the year before the launch", "总收入相对启动前一年的增长"),
        ("KA bookings against quota, last year", "近一年大客户目标完成率"),
        growth_since_launch,
        attainment,
        lambda r: attainment(replica(r)),
        (0, 1),
        (0.8, -1),
    ),
    "fickle_key_accounts": Trap(
        ("mean age of today's customers, KA − SMB (months)", "现有客户平均年限，大客户减中小客户（月）"),
        LIFE,
        present_age,
        lambda r: r.number("M-1.2", "rmst_difference", "KA-SMB"),
        true_life,
        (0, 1),
        (0, -1),
    ),
    "alike_needs": Trap(
        ("different products per account, KA − SMB", "每家客户的产品种类，大客户减中小客户"),
        ("chance that two order lines differ in product, KA − SMB", "两条订单行产品不同的概率之差"),
        products_per_account,
        products_of_two_lines,
        lambda r: 0.0,
        (0.5, 1),
        (0.15, -1),
    ),
    "stingy_key_accounts": Trap(
        ("mean spend, KA / SMB", "平均花费之比"),
        ("median spend, KA / SMB (M-1.4)", "花费中位数之比（M-1.4）"),
        mean_spend_ratio,
        lambda r: r.number("M-1.4", "spend_ratio", "KA-SMB"),
        lambda r: r.segment("KA")["spend"]["median"] / r.segment("SMB")["spend"]["median"],
        (2, 1),
        (2, -1),
    ),
    "exhausted_market": Trap(
        ("small customers in the register", "系统里的中小客户数"),
        ("potential small customers not in it (two lists)", "系统之外的潜在中小客户（两份名单）"),
        known,
        chapman,
        lambda r: float(round(SIZE * (r.world.smb.market - r.world.smb.accounts) * (1 - r.world.smb.ranked))),
        (1000, 1),
        (1000, -1),
    ),
    "merged_roles": Trap(
        ("roles per KA deal", "每个大客户商机的角色数"),
        ("role-merge index of KA (M-2.2)", "大客户角色合一指数（M-2.2）"),
        roles_per_deal,
        lambda r: r.number("M-2.2", "role_merge_index", "KA"),
        lambda r: r.segment("KA")["role_merge_index"],
        (5, 1),
        (0.5, 1),
    ),
    "lingering_losses": Trap(CLOSED, SUCCESS, closed_share, success, true_success, (0.5, 1), (0.5, -1)),
    "young_programme": Trap(CLOSED, SUCCESS, closed_share, success, true_success, (0.5, -1), (0.5, 1)),
    "big_deals_win": Trap(
        ("share won of the KA amount", "大客户金额赢单率"),
        SUCCESS,
        weighted_share,
        success,
        true_success,
        (0.5, 1),
        (0.5, -1),
    ),
    "slow_decoy": Trap(
        ("step with the longest dwell", "停留最久的步骤"),
        ("biggest bottleneck (M-3.6)", "最大卡点（M-3.6）"),
        longest_dwell,
        top_step,
        lambda r: r.world.bottleneck,
    ),
    "late_to_the_table": Trap(
        ("deals with a stage entry for the risk and audit check in time", "及时有“风控与内审”阶段记录的商机"),
        ("deals in which risk and audit had been met in time (M-3.5)", "及时接触到风控与内审的商机（M-3.5）"),
        lambda r: staged_in_time(r, r.world.bottleneck),
        lambda r: met_in_time(r, r.world.bottleneck),
        lambda r: 1 - r.world.ka.unmet,  # that role is never merged into the key person's
        (0.8, 1),
        (0.8, -1),
    ),
    "late_bottleneck": Trap(
        ("step with the most losses", "丢单最多的步骤"),
        ("biggest bottleneck (M-3.6)", "最大卡点（M-3.6）"),
        most_losses,
        top_step,
        lambda r: r.world.bottleneck,
    ),
    "no_bottleneck": Trap(
        ("step with the highest loss rate", "丢单率最高的步骤"),
        ("biggest bottleneck (M-3.6)", "最大卡点（M-3.6）"),
        highest_loss_rate,
        top_step,
        lambda r: "–",
    ),
    "part_time_fits": Trap(
        ("steps that take more than two weeks", "停留两周以上的步骤数"),
        ("bottlenecks (M-3.6)", "卡点数（M-3.6）"),
        slow_steps,
        lambda r: r.number("M-3.6", "bottlenecks", "KA"),
        lambda r: r.truth["planted"]["bottlenecks"],
        (3, 1),
        (1.5, -1),
    ),
    "split_fits": Trap(
        ("level of the best lane", "最强泳道的水平"),
        ("fit (M-3.6)", "适配度（M-3.6）"),
        best_lane,
        lambda r: r.number("M-3.6", "fit", "KA"),
        lambda r: r.truth["planted"]["fit"],
        (0.6, 1),
        (0.8, -1),
    ),
    "rebuild_fits": Trap(
        ("biggest bottlenecks", "最大的卡点数"),
        ("bottlenecks (M-3.6)", "卡点数（M-3.6）"),
        lambda r: 1,
        lambda r: r.number("M-3.6", "bottlenecks", "KA"),
        lambda r: r.truth["planted"]["bottlenecks"],
        (1.5, -1),
        (3.5, 1),
    ),
    "stalled_base": Trap(
        ("growth of total revenue, last year", "总收入近一年增长"),
        ("growth of SMB revenue, last year (M-0.1)", "中小客户收入近一年增长（M-0.1）"),
        total_growth,
        lambda r: r.number("M-0.1", "growth_rate", "SMB"),
        lambda r: r.world.smb.growth,
        (0, 1),
        (0, -1),
    ),
}


def read(company: str, policy: Policy, engine: Engine, size: float = SIZE) -> Reading:
    """The company's own seed at `size`."""
    world = parameters.load(company)
    made = draw_company(world, world.seed + world.history, size)
    return Reading(
        world, population_truth(world), {n: t.to_pandas() for n, t in made.items()}, engine.open(world, made), policy
    )


PAGES = {
    "en": (
        "# Companies with a trap",
        "Each has a mechanism planted, a reading that goes wrong on it, and one that does not. Written by `make traps`: each company's own "
        f"seed, size {SIZE:g}. `kaanalysis simulate NAME --out DATA` makes any of them; the truth lies beside the folder.",
        "| company | what was planted | naive reading | right reading | truth | why the naive reading goes wrong |",
    ),
    "zh": (
        "# 带陷阱的公司",
        "每家公司都埋入一种机制：有一种读法会错，有一种不会。由 `make traps` 写成："
        f"各公司自己的随机种子，规模 {SIZE:g}。`kaanalysis simulate 名称 --out DATA` 可生成任意一家；真相在文件夹旁边。",
        "| 公司 | 埋入了什么 | 天真的读法 | 正确的读法 | 真相 | 天真的读法为何错 |",
    ),
}


def main() -> None:
    policy, engine = load_policy(), Engine()
    rows: dict[str, list[str]] = {"en": [], "zh": []}
    for company in tqdm(parameters.names(), desc="companies"):
        trap, reading = TRAPS[company], read(company, policy, engine)
        naive, right, planted = trap.read_naively(reading), trap.read_rightly(reading), trap.planted(reading)
        if not (trap.misleads(naive, planted) and trap.agrees(right, planted)):
            tqdm.write(f"{company}: the trap does not close: naive {naive}, right {right}, truth {planted}")
        world = reading.world
        for i, (lang, about, why) in enumerate(
            (("en", world.about_en, world.naive_en), ("zh", world.about_zh, world.naive_zh))
        ):
            colon = "：" if lang == "zh" else ": "
            naively, rightly = (
                f"{trap.naive[i]}{colon}**{plain(naive)}**",
                f"{trap.right[i]}{colon}{shown(right, lang)}",
            )
            rows[lang].append(f"| `{company}` | {about} | {naively} | {rightly} | {plain(planted)} | {why} |")
    for lang, (title, intro, head) in PAGES.items():
        name = "companies.md" if lang == "en" else "companies.zh.md"
        (DOCS / name).write_text(
            "\n".join([title, intro, "", head, "|---" * 6 + "|", *rows[lang]]) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
