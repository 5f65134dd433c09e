"""Reading a synthetic company's latent parameters from ``data/companies/<name>.toml``.

A company that fails in another way is another file, which names the company it is ``like`` and holds only what differs. Unknown keys
are refused.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from kaanalysis.contracts import UnusableData
from kaanalysis.paths import workbook_file
from kaanalysis.simulate.core import lists_lean
from kaanalysis.simulate.world import Segment, World

T = TypeVar("T")
# What names an entry of a list of tables, so that a company can change one entry of the company it is like.
ENTRY_KEYS = ("name", "team", "role")


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
    world = build(World, _read(company), f"{company}.toml")
    _consistent(world, f"{company}.toml")
    return world


def _read(company: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """A company's keys, over those of the company it is like."""
    path = folder() / f"{company}.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UnusableData(f"{path.name} is not valid TOML: {error}.") from None
    like = raw.pop("like", None)
    if like is None:
        return raw
    if like not in names() or like in (company, *above):
        raise UnusableData(f"{path.name}: like = {like!r} must name another company that is not like this one.")
    return changed(_read(like, (company, *above)), raw, path.name)


def changed(base: dict[str, Any], by: dict[str, Any], where: str) -> dict[str, Any]:
    """`base` with the keys of `by` in their place: tables key by key, lists of tables entry by entry (by their name, team or role);
    all else as a whole. An entry that `base` does not have is refused: it would be a slip of the pen more often than a new step."""
    out = dict(base)
    for key, value in by.items():
        there = base.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            out[key] = changed(there, value, f"{where} {key}")
        elif _entries(value) and isinstance(there, list) and (naming := _naming(there)):
            entries = {entry[naming]: entry for entry in there}
            for entry in value:
                if entry.get(naming) not in entries:
                    raise UnusableData(f"{where}: no {key} {entry.get(naming)!r}; known are {', '.join(entries)}.")
                entries[entry[naming]] = changed(entries[entry[naming]], entry, where)
            out[key] = list(entries.values())
        else:
            out[key] = value
    return out


def _naming(entries: list[Any]) -> str | None:
    """The key that tells the entries apart, if they are tables and one does."""
    for key in ENTRY_KEYS if _entries(entries) else ():
        if len({entry.get(key) for entry in entries}) == len(entries):
            return key
    return None


def _entries(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


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
        demand(
            abs(sum(segment.origin_mix) - 1) < 1e-9 and len(segment.origin_mix) == 3,
            f"{label}: origin_mix must be three shares",
        )
        demand(segment.linger > 0, f"{label}: linger must be above 0")
        chances = dataclasses.asdict(segment.reckons).values()
        demand(all(0 <= chance <= 1 for chance in chances), f"{label}: reckons must hold chances from 0 to 1")
        demand(0 <= segment.alone <= 1, f"{label}: alone must be a chance from 0 to 1")
        demand(0 <= segment.surfaces <= 1, f"{label}: surfaces must be a chance from 0 to 1")
        demand(
            0 <= segment.skips <= 0.5,
            f"{label}: skips must lie between 0 and 0.5, since a seller's own is up to twice it",
        )
        demand(
            segment.market == 0 or segment.market >= segment.accounts, f"{label}: market holds at least the accounts"
        )
        own, limited = segment.account_log_sd, any(s.above_limit for s in segment.steps)
        demand(0 <= own <= segment.amount_log_sd, f"{label}: account_log_sd must lie between 0 and amount_log_sd")
        demand(own == 0 or not (limited or segment.size_effect),
               f"{label}: account_log_sd is for segments in which neither steps nor passing hang on the amount")  # fmt: skip
        shares = (segment.ranked, segment.ranked if segment.ranked_present is None else segment.ranked_present)
        demand(all(0 <= share <= 1 for share in shares), f"{label}: ranked and ranked_present must be shares")
        if world.leaning is not None:
            _leaning_fits(world, label, segment, demand)
    for step_name in (world.bottleneck, world.slowest):
        demand(step_name in {"", *(s.name for s in world.ka.steps)}, f"{step_name!r} is no step of KA")
    if world.lagging is not None:
        demand(world.lagging.industry in world.industries, "lagging.industry must be among the industries")
        demand(0 <= world.lagging.factor <= 1, "lagging.factor must lie between 0 and 1")
    if world.channel is not None:
        demand(set(world.channel.regions) <= set(world.regions), "channel.regions must be among the regions")


def _leaning_fits(world: World, label: str, segment: Segment, demand: Callable[[bool, str], None]) -> None:
    """Two lists that lean to the same industries must leave as many potential customers there as they take, and chances below 1."""
    assert world.leaning is not None
    named = set(world.leaning.industries)
    demand(
        bool(named) and named < set(world.industries), "leaning.industries must be some of the industries and not all"
    )
    demand(min(world.leaning.worked, world.leaning.ranked) > 0, "leaning.worked and leaning.ranked must be above 0")
    alone = world.lagging is None and segment.ranked_present is None
    demand(alone, "leaning cannot be planted together with lagging or ranked_present")
    lean = lists_lean(world, segment)
    demand(min(lean.unworked) >= 0, f"{label}: leaning.worked takes more accounts than the market holds in an industry")
    demand(
        max(lean.ranked) <= 1, f"{label}: leaning.ranked puts more than all potential customers of an industry on lists"
    )
