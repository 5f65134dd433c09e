"""The decisions behind a synthetic company's programme: how it was started, and what each planted pattern made its heads decide.

A company without a pattern prepares for most of a year and changes little; every planted pattern brings a hasty start and decisions of its
own, one after the other. They go into ``changes/log.csv``; no other table hangs on them.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from kaanalysis.simulate.core import MONTH, rng
from kaanalysis.simulate.world import PATTERNS, World

FILE = "changes/log"
SCATTER = 9  # days at most that a decision lies before or after its month
WHO_ZH = {
    "board": "董事会", "chief executive": "总经理", "head of sales": "销售负责人", "head of channel": "渠道负责人",
    "head of product": "产品负责人", "middle office": "中台",
}  # fmt: skip
# (months from the launch, kind, who, in English, in Chinese, kind taken back)
Decision = tuple[float, str, str, str, str, str]
PREPARED: tuple[Decision, ...] = (
    (-9, "decision", "board", "Key accounts to be looked into: assumptions first, then staff", "研究大客户业务：先验证假设，再配人", ""),
    (-3, "team", "head of sales", "Key-account team to be hired from outside and inside", "大客户团队定编，内外部招聘", ""),
)  # fmt: skip
HASTY: tuple[Decision, ...] = (
    (-1, "decision", "board", "Key accounts decided on after one large deal", "因一笔大单决定做大客户", ""),
)
LAUNCH: Decision = (0, "launch", "chief executive", "Key-account programme starts", "大客户项目启动", "")
ROUTINE: tuple[Decision, ...] = (
    (12, "target", "head of sales", "Yearly targets set", "设定年度目标", ""),
    (17, "rules", "middle office", "List of named accounts reviewed", "复核指名客户名单", ""),
)
OF_PATTERN: dict[str, tuple[Decision, ...]] = {
    "hatching": (
        (1, "team", "head of sales", "Best SMB sellers move to the key-account team", "最好的中小客户销售转入大客户团队", ""),
        (7, "target", "head of sales", "First-year target halved", "首年目标减半", ""),
        (13, "pay", "head of sales", "Guaranteed bonus for moved sellers prolonged", "转岗销售的保底奖金延长", ""),
        (19, "team", "head of sales", "Two of the moved sellers go back to SMB", "两名转岗销售调回中小客户团队", ""),
    ),
    "channel": (
        (2, "channel", "head of channel", "Head office takes custom work and the top merchants", "定制业务和头部商户收归总部", ""),
        (5, "channel", "head of channel", "Profit shared with partners on registered deals", "报备商机与渠道分利", ""),
        (9, "channel", "head of channel", "Share of profit cut", "分利比例下调", ""),
        (12, "reversal", "head of sales", "Top merchants of two regions go back to the partners", "两个区域的头部商户退回渠道", "channel"),
        (15, "rules", "middle office", "Registered deals protected for ninety days", "报备商机保护期九十天", ""),
        (20, "channel", "head of channel", "Profit shared by region", "按区域分别分利", ""),
    ),
    "rivalry": (
        (3, "territory", "head of sales", "Key-account team may work any account above a size", "大客户团队可跟进所有大中客户", ""),
        (6, "rules", "middle office", "Two teams on one customer: first registered keeps it", "两个团队跟同一客户：先报备者得", ""),
        (9, "territory", "head of sales", "Named-account list drawn up", "制定指名客户名单", ""),
        (12, "pay", "head of sales", "Commission on shared customers split in halves", "共有客户的提成各半", ""),
        (14, "reversal", "head of sales", "Commission goes to the closing team again", "提成改回归签单团队", "pay"),
        (18, "territory", "head of sales", "Named-account list doubled", "指名客户名单扩大一倍", ""),
        (21, "rules", "chief executive", "Disputes go to the chief executive", "纠纷上报总经理裁决", ""),
    ),
    "siphon": (
        (1, "territory", "head of sales", "Largest present customers handed to the key-account team", "现有最大客户移交大客户团队", ""),
        (8, "territory", "head of sales", "Second wave of customers handed over", "第二批客户移交", ""),
        (15, "pay", "head of sales", "SMB sellers paid for handing over", "移交客户给予中小客户销售补偿", ""),
    ),
    "starving": (
        (1, "product", "head of product", "Two thirds of the product team assigned to key accounts", "三分之二的产研投入大客户", ""),
        (8, "product", "head of product", "SMB release postponed", "中小客户版本推迟", ""),
        (14, "product", "head of product", "Key-account requests frozen for a quarter", "大客户需求冻结一个季度", ""),
        (20, "reversal", "board", "Part of the product team goes back to SMB", "部分产研调回中小客户", "product"),
    ),
    "shortfall": (
        (5, "target", "head of sales", "Key-account shortfall spread over the SMB teams", "大客户缺口分摊给中小客户团队", ""),
        (8, "rules", "middle office", "SMB sellers may work key accounts with leave", "中小客户销售经批准可做大客户", ""),
        (11, "target", "head of sales", "SMB quotas raised", "中小客户指标上调", ""),
        (14, "pay", "head of sales", "Double credit for key accounts won by SMB", "中小客户团队赢下大客户双计业绩", ""),
        (16, "target", "head of sales", "SMB quotas raised again", "中小客户指标再次上调", ""),
        (18, "reversal", "head of sales", "Double credit ended", "取消双计业绩", "pay"),
        (20, "target", "head of sales", "Key-account target lowered", "大客户目标下调", ""),
        (22, "rules", "chief executive", "Weekly meeting on who owns which customer", "每周开会裁定客户归属", ""),
    ),
}  # fmt: skip


def change_log(world: World, seed: int) -> pa.Table:
    """The decisions by date in the company's language: at, kind, what, who, reverses. Those that would lie after as_of are left out."""
    planted = [name for id, name in PATTERNS.items() if world.patterns[id]]
    decisions = [*(HASTY if planted else PREPARED), LAUNCH, *ROUTINE]
    for name in planted:
        decisions += OF_PATTERN[name]
    decisions.sort(key=lambda d: d[0])
    scatter = rng(seed, "change_log").integers(-SCATTER, SCATTER + 1, len(decisions))
    scatter[[d is LAUNCH for d in decisions]] = 0
    days = [world.ka_launch + dt.timedelta(days=round(d[0] * MONTH) + int(s)) for d, s in zip(decisions, scatter, strict=True)]  # fmt: skip
    order = np.argsort(np.array(days, dtype="datetime64[D]"), kind="stable")
    rows = [(days[i], decisions[i]) for i in order if days[i] <= world.as_of]
    chinese = world.language == "zh"
    return pa.table({
        "at": pa.array([day for day, _ in rows], pa.date32()),
        "kind": [d[1] for _, d in rows],
        "what": [d[4 if chinese else 3] for _, d in rows],
        "who": [WHO_ZH[d[2]] if chinese else d[2] for _, d in rows],
        "reverses": pa.array([d[5] or None for _, d in rows], pa.string()),
    })  # fmt: skip
