"""The latent parameters of a synthetic company, read from ``data/companies/<name>.toml``.

Every mechanism is a number in that file; a company that fails in another way is another file. Unknown keys are refused.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import tomllib
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kaanalysis.contracts import UnusableData
from kaanalysis.paths import workbook_file

T = TypeVar("T")


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
    sellers work; seller_gap: log-odds on every step where they do. disputes: count at size 1.
    history: added to every seed (which history a seed stands for). benchmark: pass probability that a step's relief is
    counted against.
    """

    name: str
    about_en: str
    about_zh: str
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
    seller_gap: float
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
    smb: Segment
    ka: Segment
    teams: tuple[Team, ...]
    cells: tuple[Cell, ...]
    value_items: tuple[ValueItem, ...]
    capability: dict[str, tuple[str, ...]]

    def segments(self) -> tuple[tuple[str, Segment], ...]:
        return (("SMB", self.smb), ("KA", self.ka))


def folder() -> Path:
    """Where the companies' files lie."""
    return workbook_file("data/companies")


def names() -> list[str]:
    """Names of all companies, sorted."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def load(company: str) -> World:
    """Read one company; :class:`UnusableData` if there is no such name or its file does not hold what it should."""
    if company not in names():
        raise UnusableData(f"no company named {company!r}; known are {', '.join(names()) or 'none'}.")
    path = folder() / f"{company}.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UnusableData(f"{path} is not valid TOML: {error}.") from None
    world = build(World, raw, path.name)
    _consistent(world, path.name)
    return world


def build(cls: type[T], raw: dict[str, Any], where: str) -> T:
    """`raw` as an instance of the dataclass `cls`; every key known, none missing, every value of its type."""
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(raw) - set(fields))
    if unknown:
        raise UnusableData(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(fields)}.")
    missing = [n for n, f in fields.items() if n not in raw and f.default is dataclasses.MISSING]
    if missing:
        raise UnusableData(f"{where}: {', '.join(missing)} missing.")
    return cls(**{key: _value(hints[key], value, f"{where} {key}") for key, value in raw.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _value(args[0], value, where)
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return build(typing.cast(type, hint), value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _value(args[1], item, f"{where}.{key}") for key, item in value.items()}
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise UnusableData(f"{where} = {value!r} is not of the type expected ({getattr(hint, '__name__', hint)}).")


def _consistent(world: World, where: str) -> None:
    def demand(condition: bool, sentence: str) -> None:
        if not condition:
            raise UnusableData(f"{where}: {sentence}.")

    demand(world.observed_from < world.ka_launch < world.as_of, "observed_from < ka_launch < as_of must hold")
    motions = {team.motion for team in world.teams}
    demand(motions == {"SMB", "KA", "channel"}, "teams must hold the motions SMB, KA and channel")
    direct = {team.region for team in world.teams if team.motion == "SMB"}
    demand(direct >= set(world.regions), "every region needs an SMB team")
    for label, segment in world.segments():
        roles = [r.role for r in segment.roles]
        steps = {s.name for s in segment.steps}
        for step in segment.steps:
            demand(step.role in roles, f"{label} step {step.name}: role {step.role} is not among the segment's roles")
            demand(0 < step.pass_probability < 1, f"{label} step {step.name}: pass_probability must lie in (0, 1)")
        for inform in segment.informs:
            demand(inform.after in steps and inform.role in roles, f"{label} inform {inform.name}: no such step, role")
        demand(segment.key_role in roles, f"{label}: key_role {segment.key_role} is not among its roles")
        demand(set(segment.merge_order) <= set(roles) - {segment.key_role}, f"{label}: merge_order names unknown roles")
        first = next((i for i, p in enumerate(segment.persons) if p > 0), -1)
        base = len(roles) - any(s.above_limit for s in segment.steps)
        demand(abs(sum(segment.persons) - 1) < 1e-9, f"{label}: persons must sum to 1")
        demand(len(segment.persons) <= base and base - 1 - first <= len(segment.merge_order),
               f"{label}: persons asks for more merged or separate roles than there are")  # fmt: skip
    for step_name in (world.bottleneck, world.slowest):
        demand(step_name in {s.name for s in world.ka.steps}, f"{step_name!r} is no step of KA")
