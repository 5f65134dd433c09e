"""What moved a verdict where several things differ between two runs: the states between them, computed.

From the earlier run to the later one, one thing is changed at a time: the code, then data and policy in both orders. What a step moves can
hang on what was changed before it, so where the orders disagree both are told, and none is called the true one. Old code is not at hand:
every state is computed with the present one, so the code comes first (the earlier run against its own data and policy computed now), and
again at the end where the later run was made by other code too. A run whose code is the present one is taken as it lies there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaanalysis.analyses.registry import analyse_all
from kaanalysis.company import Company, open_company
from kaanalysis.compared_runs import ComparedRun
from kaanalysis.contracts import UnusableData
from kaanalysis.diff import how_moved
from kaanalysis.manifest import code_hash, versions
from kaanalysis.policy import Policy, PolicyError, load_policy
from kaanalysis.results import Result

State = Mapping[str, Result]


@dataclass(frozen=True)
class Path:
    """One order. causes: what each step changed; moved: finding → the causes whose step moved it, in order; values: "analysis|finding|
    number|segment" → the value in every state, from the earlier run to the later (one more than there are steps)."""

    causes: tuple[str, ...]
    moved: dict[str, tuple[str, ...]]
    values: dict[str, tuple[float | int | None, ...]]

    def to_dict(self) -> dict[str, Any]:
        return {"causes": list(self.causes), "moved": {k: list(v) for k, v in self.moved.items()},
                "values": {k: list(v) for k, v in self.values.items()}}  # fmt: skip


@dataclass(frozen=True)
class Split:
    """paths: one, or two where data and policy both differ (data first, policy first); inexact: names of the runs whose policy could not
    be rebuilt to its hash."""

    paths: tuple[Path, ...]
    inexact: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"paths": [p.to_dict() for p in self.paths], "inexact": list(self.inexact)}


def open_as(run: ComparedRun, data: str) -> Company:
    """The company that a run was made from; :class:`UnusableData` where `data` holds something else."""
    company = open_company(data)
    if run.stamp("data") != company.data_hash:
        raise UnusableData(
            f"{data} is not what run {run.name} was made from: its hash is {company.data_hash}, the run's {run.stamp('data')}."
        )
    return company


def policy_of(run: ComparedRun) -> tuple[Policy, bool]:
    """The policy of a run, rebuilt from the values in its manifest on the present policy file, and whether it has the run's hash: not where
    the file has other values or spreads by now. Values that this code does not know or allow are left out."""
    policy = load_policy()
    for name, value in run.policy.items():
        if name in policy.thresholds and policy[name] != value:
            try:
                policy = policy.override({name: value})
            except PolicyError:
                continue
    return policy, policy.hash == run.stamp("policy")


def made_by_present_code(*runs: ComparedRun) -> list[bool]:
    """Of each run, whether this code and these versions of the packages made it."""
    code, now = code_hash(), versions()
    return [r.stamp("code") == code and all(now.get(k) == v for k, v in r.versions.items()) for r in runs]


def split(before: ComparedRun, after: ComparedRun, data_before: str, data_after: str) -> Split:
    """The way from one run to the other, one thing at a time (module docstring).

    data_before, data_after: the data that each was made from. Only analyses that both runs hold are computed. Raises
    :class:`UnusableData` where the data are not what a run was made from."""
    old_data = open_as(before, data_before)
    same_data = before.stamp("data") == after.stamp("data")
    new_data = old_data if same_data else open_as(after, data_after)
    (old_policy, old_exact), (new_policy, new_exact) = policy_of(before), policy_of(after)
    both = sorted(set(before.results) & set(after.results))
    known: dict[tuple[bool, bool], State] = {}
    current = made_by_present_code(before, after)
    if current[0]:
        known[False, False] = before.results
    if current[1]:
        known[not same_data, before.stamp("policy") != after.stamp("policy")] = after.results

    def state(data_is_new: bool, policy_is_new: bool) -> State:
        key = data_is_new, policy_is_new
        if key not in known:
            known[key] = analyse_all(
                new_data if data_is_new else old_data, new_policy if policy_is_new else old_policy, both
            )
        return known[key]

    steps = [
        c
        for c, differs in (("data", not same_data), ("policy", before.stamp("policy") != after.stamp("policy")))
        if differs
    ]
    orders = [steps, steps[::-1]] if len(steps) == 2 else [steps]
    paths = tuple(_path(before, after, order, state, both, current) for order in orders)
    inexact = tuple(r.name for r, exact in ((before, old_exact), (after, new_exact)) if not exact)
    return Split(paths, inexact)


def _path(
    before: ComparedRun, after: ComparedRun, order: list[str], state: Any, both: list[str], current: list[bool]
) -> Path:
    causes, states = [], [before.results]
    at = {"data": False, "policy": False}

    def to(cause: str, results: State) -> None:
        causes.append(cause)
        states.append(results)  # type: ignore[arg-type]

    if not current[0]:
        to("code", state(False, False))
    for cause in order:
        at[cause] = True
        to(cause, state(at["data"], at["policy"]))
    if not current[1]:
        to("code", after.results)
    moved: dict[str, tuple[str, ...]] = {}
    values: dict[str, tuple[float | int | None, ...]] = {}
    for id in both:
        findings = [{f.id: f for f in s[id].findings} for s in states]
        for finding in findings[-1]:
            chain = [f.get(finding) for f in findings]
            found = [c for c, a, b in zip(causes, chain, chain[1:], strict=False) if a and b and how_moved(a, b)]
            if found:
                moved[finding] = tuple(dict.fromkeys(found))
            for number in findings[-1][finding].numbers:
                held = [f.number(number.name, number.segment) if f else None for f in chain]
                values[f"{id}|{finding}|{number.name}|{number.segment}"] = tuple(n.value if n else None for n in held)
    return Path(tuple(causes), moved, values)
