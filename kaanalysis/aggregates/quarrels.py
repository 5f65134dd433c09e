"""Who holds which account, and who quarrels about it: disputes with a KA team, and claims of ownership."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.segments import account_segments
from kaanalysis.company import Company
from kaanalysis.policy import Policy


def _motions(company: Company) -> ibis.Table:
    return company.table("teams").select("team", "motion")


def disputes_between_teams(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per dispute on record, oldest first: account_id, cluster (customer group), opened_at (day), team_a, team_b, motion_a,
    motion_b (null where teams does not name the team), hours (null where not recorded)."""
    disputes = company.table("disputes").select("account_id", "opened_at", "team_a", "team_b", "hours")
    groups = account_segments(company, policy).select("account_id", "cluster")
    frame = disputes.left_join(groups, "account_id").drop("account_id_right")
    for side in ("a", "b"):
        named = _motions(company).rename({f"named_{side}": "team", f"motion_{side}": "motion"})
        frame = frame.left_join(named, frame[f"team_{side}"] == named[f"named_{side}"]).drop(f"named_{side}")
    found = frame.execute()
    found["opened_at"] = pd.to_datetime(found["opened_at"]).dt.normalize()
    return found.sort_values(["opened_at", "account_id", "team_a", "team_b", "hours"], ignore_index=True)


def ownership_claims(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per claim of a team on an account: account_id, cluster, team, motion (null where not named), from_at, to_at (days; null
    where it still holds), oldest first. Empty where ownership is not recorded."""
    columns = ["account_id", "cluster", "team", "motion", "from_at", "to_at"]
    if not company.has("ownership.team"):
        return pd.DataFrame(columns=columns).astype({"from_at": "datetime64[us]", "to_at": "datetime64[us]"})
    claims = company.table("ownership").select("account_id", "team", "from_at", "to_at")
    claims = claims.inner_join(account_segments(company, policy).select("account_id", "cluster"), "account_id")
    named = _motions(company).rename(named="team")
    found = claims.left_join(named, claims.team == named.named).drop("named").execute()
    for column in ("from_at", "to_at"):
        found[column] = pd.to_datetime(found[column]).dt.normalize()
    return found[columns].sort_values(["from_at", "account_id", "team"], ignore_index=True)


def handovers(claims: pd.DataFrame) -> pd.DataFrame:
    """One row per account that went over to a KA team in an orderly way: account_id, at (the first day of the KA team's claim).

    Orderly: another team held the account before, and none holds it on the next day. A claim beside another team's that goes on is no
    handover, whoever came first. claims: as :func:`ownership_claims`, known on the day of the question."""
    if claims.empty:
        return pd.DataFrame({"account_id": pd.Series(dtype=object), "at": pd.Series(dtype="datetime64[s]")})
    theirs = (claims["motion"] == "KA").to_numpy(bool)
    ka = claims[theirs].groupby("account_id")["from_at"].min()
    others = claims[~theirs & claims["account_id"].isin(ka.index)]
    at = ka.reindex(others["account_id"]).set_axis(others.index)
    before = others["from_at"] < at
    day_after = at + pd.Timedelta(days=1)
    stays = (others["from_at"] <= day_after) & (others["to_at"].isna() | (others["to_at"] > day_after))
    held = (
        others.assign(before=before, stays=stays)
        .groupby("account_id")
        .agg(before=("before", "any"), stays=("stays", "any"))
    )
    orderly = held.index[held["before"] & ~held["stays"]]
    return ka[ka.index.isin(orderly)].rename("at").reset_index()
