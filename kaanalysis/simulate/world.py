"""What a synthetic company is: the latent parameters of its customers, teams and failure patterns, with their units.

Every mechanism is a number here; :mod:`kaanalysis.simulate.parameters` reads them from ``data/companies/<name>.toml``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

PATTERNS = {
    "M-A": "hatching",
    "M-B": "channel",
    "M-C": "rivalry",
    "M-D": "siphon",
    "M-E": "starving",
    "M-F": "shortfall",
}


@dataclass(frozen=True)
class Step:
    """One step of a deal: a stage for the seller, a buying step for the customer.

    pass_probability: chance that it is passed by a seller of average skill with the acting person met.
    days, log_sd: median (days) and log-standard deviation of its lognormal duration; rounded up to whole days.
    above_limit: the step exists only where the amount exceeds the segment's authority limit.
    buying: name of the customer's step behind it ("": the same name, "-": none).
    only_separate: the customer's step is only seen where the role has a person of its own.
    """

    name: str
    role: str
    part: str
    pass_probability: float
    days: float
    log_sd: float
    loss_reason: str
    above_limit: bool = False
    buying: str = ""
    only_separate: bool = False


@dataclass(frozen=True)
class Inform:
    """A person who is only told: no stage, no chance to fail. after: the step on whose day it happens."""

    name: str
    role: str
    after: str


@dataclass(frozen=True)
class Role:
    """An interest on the customer's side. part: how it stands in the process (approve, inform, influence)."""

    role: str
    department: str
    part: str


@dataclass(frozen=True)
class Reckons:
    """How often a customer does the sums (M-2.1): chance (0 … 1) that a deal which lives as long as its
    flow takes as planned has an activity of each kind."""

    compare_offers: float = 0.0
    discount: float = 0.0
    extras: float = 0.0
    value_case: float = 0.0


@dataclass(frozen=True)
class Segment:
    """One customer group: who they are, how they buy, how long they stay, what they spend.

    accounts, legacy, opportunities: counts at size 1 (legacy: customers since before the records begin).
    growth: yearly growth of new opportunities; before_launch: their share before the KA launch (absent: by growth).
    repeat: share of opportunities meant for present customers. skill_sd, unmet_effect: log-odds on a step's passing.
    unmet: chance that a person with a role of its own, other than the key person, is never met.
    persons: probabilities of 1, 2, 3 … distinct persons a deal (above the limit one more); merge_order: roles that the
    key person holds first where persons are fewer than roles.
    amount_median (currency), amount_log_sd: lognormal deal size. authority_limit (currency; 0: none).
    life_median_months, life_shape: Weibull customer life. custom: expected share of order amount made to measure.
    product_spread: Dirichlet concentration of an account's product mix (small: individual needs).
    growth_after: yearly growth of new opportunities since the launch (absent: `growth`). linger: factor on the duration of the step that
    a deal fails (above 1: lost deals drift on). size_effect: log-odds on every step per log unit of deal size. market: potential
    customers in all at size 1, of whom `accounts` are worked and the share `ranked` is on a list (0: only those worked).
    origin_mix: expansion, upgrade, renewal among repeat deals. competitor_after: as `competitor`, since the launch.
    account_log_sd: the part of `amount_log_sd` that an account has of its own in all its deals (0: every deal is drawn anew; as standard
    deviations, the squares add up). ranked_present: share of the customers at as_of on a list (absent: `ranked`, as of all others; given,
    the lists are no longer independent). reckons: how often its deals show that the customer does the sums.
    surfaces: chance that a person who is not met in time is met after all, from the day after their step is over on and within
    `engage_days` (where the deal still runs then). skips: mean chance that a stage between the first and the last is not run; of a
    seller's own it lies evenly between 0 and twice that. Neither has anything to do with winning. sway: log-odds that every step of deals
    opened in the first and third quarter of a year gains, and of those opened in the others loses. alone: chance that in a deal nobody
    but the key person is met in time, whatever `unmet` says.
    """

    accounts: int
    legacy: int
    legacy_years: float
    opportunities: int
    growth: float
    repeat: float
    skill_sd: float
    unmet: float
    unmet_effect: float
    engage_days: float
    key_role: str
    persons: tuple[float, ...]
    merge_order: tuple[str, ...]
    against: float
    amount_median: float
    amount_log_sd: float
    authority_limit: float
    life_median_months: float
    life_shape: float
    custom: float
    product_spread: float
    lines: tuple[int, ...]
    activities: tuple[int, ...]
    drifted: float
    refunded: float
    litigated: float
    competitor: float
    employees_median: float
    employees_log_sd: float
    revenue_median: float
    revenue_log_sd: float
    reach: tuple[float, ...]
    ranked: float
    subsidiaries: float
    roles: tuple[Role, ...]
    steps: tuple[Step, ...]
    informs: tuple[Inform, ...] = ()
    before_launch: float | None = None
    growth_after: float | None = None
    linger: float = 1.0
    size_effect: float = 0.0
    market: int = 0
    origin_mix: tuple[float, ...] = (0.5, 0.25, 0.25)
    competitor_after: float | None = None
    account_log_sd: float = 0.0
    ranked_present: float | None = None
    reckons: Reckons = Reckons()
    surfaces: float = 0.0
    skips: float = 0.0
    sway: float = 0.0
    alone: float = 0.0


@dataclass(frozen=True)
class Manner:
    """How a kind of sellers works KA deals, against the segment as written: gap (log-odds on every step), days (factor on the steps'
    durations), amount (factor on deal size)."""

    gap: float = 0.0
    days: float = 1.0
    amount: float = 1.0


@dataclass(frozen=True)
class Hatching:
    """M-A: the best SMB sellers become the KA team. share: of the KA team's sellers at the launch who come from there."""

    share: float


@dataclass(frozen=True)
class ChannelConflict:
    """M-B, since the launch, in `regions`: of the partners' deals the share `hidden` is registered only when it stands before the last
    step (藏单), `diverted` of those they would win goes to a competitor (飞单), `withheld` is never registered although the customer
    buys (不给单). obstruction: log-odds that every step of a direct KA deal loses there. disputed: share of those that end in a dispute."""

    regions: tuple[str, ...]
    hidden: float
    diverted: float
    withheld: float
    obstruction: float
    disputed: float


@dataclass(frozen=True)
class Rivalry:
    """M-C: since the launch the KA team also pursues customers that an SMB team is pursuing. contested: share of SMB teams' deals that it
    does so with; taken: share of these in which the KA team's deal is the one that counts, the other team's being lost. disputed:
    share that ends in a dispute."""

    contested: float
    taken: float
    disputed: float


@dataclass(frozen=True)
class Siphon:
    """M-D: share of the KA team's deals that goes to customers whom other teams had won before the launch."""

    moved: float


@dataclass(frozen=True)
class Starving:
    """M-E: product capacity is pulled from SMB to KA. capacity: share pulled when the pull is complete, `ramp_months` after the launch;
    effect: log-odds that every SMB step has lost by then."""

    capacity: float
    ramp_months: float
    effect: float


@dataclass(frozen=True)
class Shortfall:
    """M-F: from `after_months` on, SMB sellers fill the hole that KA leaves. blur: share of KA deals that they work at as_of (rising
    evenly to it), disputed: share of these that end in a dispute; friction: growth of support cost by as_of; quota: factor on SMB quotas
    by as_of."""

    after_months: float
    blur: float
    disputed: float
    friction: float
    quota: float


@dataclass(frozen=True)
class Lagging:
    """An industry behind the others (M-0.2). factor: of the accounts that are customers at as_of `industry` holds so many times its even
    share (0 … 1), of all others its even share; what it lacks the other industries have alike."""

    industry: str
    factor: float


@dataclass(frozen=True)
class Leaning:
    """Who is worked and who is on a ranking lean to the same industries (what M-1.1 assumes away). Potential customers in `industries` are
    `worked` times as likely to be worked as those elsewhere, and `ranked` times as likely to be on a ranking; the numbers in all
    stay as the segment says. One factor 1: only one of the two lists leans, which does no harm."""

    industries: tuple[str, ...]
    worked: float
    ranked: float


@dataclass(frozen=True)
class Team:
    """A selling team. owners: sellers at as_of (size 1); at_start: share of them there on the team's first day.

    cost, support_cost: currency per seller and month; capacity: person-days a month; releases: mean a month;
    quota: currency per seller and month. capability: mean level (0–1) of its items.
    """

    team: str
    motion: str
    region: str
    owners: int
    at_start: float
    cost: float
    support_cost: float
    capacity: float
    releases: float
    quota: float
    capability: float
    mode: str | None = None


@dataclass(frozen=True)
class Cell:
    """One interviewed purchase: a library cell. scale: factor on the segment's step durations."""

    category: str
    industry: str
    size_band: str
    segment: str
    amount: float
    authority_limit: float
    scale: float = 1.0


@dataclass(frozen=True)
class ValueItem:
    """One line of a role's account in the worked purchases, as share of the purchase amount."""

    role: str
    item: str
    share: float


@dataclass(frozen=True)
class World:
    """A synthetic company. See :class:`Segment`, :class:`Team` and :class:`Step` for the parts.

    channel_share: share of SMB deals that the channel sells. ka_by_smb: share of KA deals since the launch that SMB
    sellers work; smb_on_ka, ka_team: how the two kinds of sellers work them. disputes: count at size 1.
    bottleneck, slowest: planted steps of KA ("": none); path: what the method's rule asks for.
    naive_en, naive_zh: the reading of this company's data that goes wrong. hatching … shortfall: planted failure patterns.
    lagging, leaning: what industries have to do with being a customer, and with being known; absent: nothing.
    history: added to every seed (which history a seed stands for). benchmark: pass probability that a step's relief is
    counted against.
    """

    name: str
    about_en: str
    about_zh: str
    naive_en: str
    naive_zh: str
    currency: str
    as_of: dt.date
    observed_from: dt.date
    ka_launch: dt.date
    language: str
    seed: int
    history: int
    benchmark: float
    horizons: tuple[int, ...]
    lifetime_horizon_months: float
    channel_share: float
    ka_by_smb: float
    smb_on_ka: Manner
    disputes: int
    dispute_hours: float
    partners: int
    worked_flows: int
    wage_growth: float
    industries: tuple[str, ...]
    regions: dict[str, float]
    products: dict[str, str]
    bottleneck: str
    slowest: str
    path: str
    smb: Segment
    ka: Segment
    teams: tuple[Team, ...]
    cells: tuple[Cell, ...]
    value_items: tuple[ValueItem, ...]
    capability: dict[str, tuple[str, ...]]
    ka_team: Manner = Manner()
    hatching: Hatching | None = None
    channel: ChannelConflict | None = None
    rivalry: Rivalry | None = None
    siphon: Siphon | None = None
    starving: Starving | None = None
    shortfall: Shortfall | None = None
    lagging: Lagging | None = None
    leaning: Leaning | None = None

    @property
    def patterns(self) -> dict[str, bool]:
        """Which of the method's failure patterns is planted."""
        return {id: getattr(self, name) is not None for id, name in PATTERNS.items()}

    def segments(self) -> tuple[tuple[str, Segment], ...]:
        """Both segments with their labels, in the order in which they are drawn."""
        return (("SMB", self.smb), ("KA", self.ka))

    def segment(self, label: str) -> Segment:
        """The segment labelled `label`: SMB or KA."""
        return dict(self.segments())[label]
