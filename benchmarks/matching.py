"""How often company names are matched rightly, beside naive ways: ``make matching`` writes docs/matching.md and .zh.md.

Thresholds are chosen on the pairs of fold ``tune``; everything reported is measured on fold ``test`` (data/matching/README.md).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, utils

from kaanalysis.names import core_name, match_names, pair_scores
from kaanalysis.stats import Estimate, wilson

ROOT = Path(__file__).parent.parent
PAIRS = ROOT / "data" / "matching" / "pairs.csv"
DOCS = ROOT / "docs"
LANGUAGES = ("en", "zh")
THRESHOLDS = (70, 75, 80, 85, 88, 90, 92, 95, 98, 100)
OURS = "match_names"


@dataclass(frozen=True)
class Quality:
    """Precision (of the pairs called the same, the share that is) and recall (of the pairs that are, the share called so)."""

    precision: Estimate
    recall: Estimate

    @property
    def f_half(self) -> float:
        """F with beta 1/2, 0 … 1: precision counts double, since a wrong match goes unseen and a missed one is asked about."""
        p, r = self.precision.value or 0.0, self.recall.value or 0.0
        return 1.25 * p * r / (0.25 * p + r) if p + r else 0.0


def read_pairs() -> pd.DataFrame:
    """The labelled pairs: name, listed, same (bool), language, kind, fold."""
    return pd.read_csv(PAIRS, dtype={"same": bool}, keep_default_na=False)


def _weighed_by_fold(pairs: pd.DataFrame) -> np.ndarray:
    """Scores of match_names; words are weighed by the listed names of the same fold and language."""
    scores = pd.Series(0.0, index=pairs.index)
    for _, part in pairs.groupby(["fold", "language"]):
        found = pair_scores(part["name"].tolist(), part["listed"].tolist(), part["listed"].unique().tolist())
        scores[part.index] = found
    return scores.to_numpy()


def _each(compare: Callable[[str, str], float]) -> Callable[[pd.DataFrame], np.ndarray]:
    return lambda pairs: np.array([compare(a, b) for a, b in zip(pairs["name"], pairs["listed"], strict=True)])


METHODS: dict[str, Callable[[pd.DataFrame], np.ndarray]] = {
    OURS: _weighed_by_fold,
    "core_name ==": _each(lambda a, b: 100.0 * (core_name(a) == core_name(b))),
    "==": _each(lambda a, b: 100.0 * (a == b)),
    "WRatio": _each(lambda a, b: fuzz.WRatio(a, b, processor=utils.default_process)),
    "token_set_ratio": _each(lambda a, b: fuzz.token_set_ratio(a, b, processor=utils.default_process)),
}


def quality(same: pd.Series, said: np.ndarray) -> Quality:
    """Wilson intervals, 95 %. same: the labels; said: whether each pair is called the same."""
    right = int((same.to_numpy() & said).sum())
    return Quality(wilson(right, int(said.sum())), wilson(right, int(same.sum())))


def best_threshold(same: pd.Series, scores: np.ndarray) -> int:
    """The whole number from 1 to 100 with the highest F½; of equal ones the highest."""
    return max(range(1, 101), key=lambda t: (quality(same, scores >= t).f_half, t))


def measure(pairs: pd.DataFrame) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Scores of every method on all pairs, and its best threshold on the tune fold, both languages together."""
    scores = {name: method(pairs) for name, method in METHODS.items()}
    tune = (pairs["fold"] == "tune").to_numpy()
    return scores, {name: best_threshold(pairs["same"][tune], s[tune]) for name, s in scores.items()}


def against_list(pairs: pd.DataFrame, accept: float, consider: float) -> dict[str, int]:
    """Every test name of a language against all listed names of it: what became of those with a listed name of theirs (there) and
    of those without (not_there). A name counts as accepted wrongly unless a pair labelled the same says it is right."""
    count = dict.fromkeys(("there", "right", "wrong", "to_judge", "missed", "not_there", "wrong_not_there"), 0)
    for language in LANGUAGES:
        part = pairs[(pairs["language"] == language) & (pairs["fold"] == "test")]
        listed = part["listed"].unique().tolist()
        true = set(zip(*(part.loc[part["same"], c] for c in ("name", "listed")), strict=True)) | {
            (n, n) for n in listed
        }
        names = part["name"].unique().tolist()
        found = match_names(names, listed, accept=accept, consider=consider).set_index("position")
        for i, name in enumerate(names):
            there = any((name, other) in true for other in listed)
            count["there" if there else "not_there"] += 1
            state = found["state"].get(i)
            hit = state is not None and (name, listed[int(found["listed_position"][i])]) in true
            if state == "accepted":
                count["right" if hit else "wrong" if there else "wrong_not_there"] += 1
            elif there:
                count["to_judge" if hit or state == "ambiguous" else "missed"] += 1
    return count


def shown(e: Estimate) -> str:
    """Value, interval, count: 0.967 [0.91, 0.99] (104)."""
    return "–" if e.value is None else f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}] ({e.n})"


SAID = {
    "en": {
        "title": "# Matching company names",
        "intro": "`kaanalysis/names.py` against naive ways, on the labelled pairs of `data/matching/pairs.csv`. Thresholds are chosen on "
        "fold `tune` (highest F½, both languages together); everything below is measured on fold `test`. In brackets: 95 % Wilson "
        "interval and the number of pairs. Several pairs share a company, so the intervals are somewhat too narrow; the word lists and "
        "the pairs have one author, so expect less on names of another source (how much less: data/matching/README.md). Written by `make matching` on {date}.",
        "methods": "## Beside naive ways", "method": "| method | threshold | language | precision | recall |",
        "explain": "`==`: the names as they stand. `core_name ==`: without legal forms. `WRatio`, `token_set_ratio`: rapidfuzz, on names in "
        "lower case without punctuation.",
        "curve": "## By threshold", "curve_head": "| language | threshold | precision | recall |",
        "kinds": "## By kind, at threshold {t}", "kind": "| language | kind | same | called the same |",
        "yes": "yes", "no": "no",
        "list": "## Against a list", "list_text": "Each test name against all listed names of its language and fold, accept {t}, consider "
        "{c}: of {there} names that have a listed one, {right} are accepted rightly, {wrong} wrongly, {to_judge} are left to a person with "
        "the right one named or as ambiguous, {missed} are missed; of {not_there} names that have none, {wrong_not_there} are accepted.",
        "mistakes": "## Mistakes at threshold {t}", "mistake": "| name | listed | same | kind | score |",
    },
    "zh": {
        "title": "# 公司名称匹配",
        "intro": "`kaanalysis/names.py` 与几种简单做法的比较，用 `data/matching/pairs.csv` 里标注的名称对。阈值在 `tune` 部分上选定（F½ 最高，两种语言"
        "合在一起），以下全部在 `test` 部分上测得。括号内：95 % Wilson 区间和对数。几对名称属于同一家公司，区间因此略窄；词表和名称对出自同一作者，"
        "换一个来源的名称，结果会差一些（差多少见 data/matching/README.md）。由 `make matching` 写于 {date}。",
        "methods": "## 与简单做法比较", "method": "| 方法 | 阈值 | 语言 | 精确率 | 召回率 |",
        "explain": "`==`：名称原样相等。`core_name ==`：去掉法律形式后相等。`WRatio`、`token_set_ratio`：rapidfuzz，小写、去标点。",
        "curve": "## 随阈值变化", "curve_head": "| 语言 | 阈值 | 精确率 | 召回率 |",
        "kinds": "## 按类型，阈值 {t}", "kind": "| 语言 | 类型 | 同一家 | 判为同一家 |",
        "yes": "是", "no": "否",
        "list": "## 对整份名单", "list_text": "每个 test 名称对同语言同部分的全部上榜名称，accept {t}，consider {c}：{there} 个在榜的名称中，"
        "{right} 个接受正确，{wrong} 个接受错误，{to_judge} 个留给人判断（已指出正确的一家，或标为不分明），{missed} 个漏掉；{not_there} 个不在榜的"
        "名称中，{wrong_not_there} 个被接受。",
        "mistakes": "## 阈值 {t} 上的错误", "mistake": "| 名称 | 上榜名称 | 同一家 | 类型 | 分数 |",
    },
}  # fmt: skip


def rule(head: str) -> str:
    return "|" + "---|" * (head.count("|") - 1)


def page(language: str, date: str, consider: float = 70) -> str:
    """The measured page in one language."""
    said, pairs = SAID[language], read_pairs()
    scores, best = measure(pairs)
    test, ours, t = (pairs["fold"] == "test").to_numpy(), scores[OURS], best[OURS]
    lines = [said["title"], said["intro"].format(date=date), "", said["methods"], said["explain"], "", said["method"]]
    lines.append(rule(said["method"]))
    for name, s in scores.items():
        for spoken in LANGUAGES:
            mine = test & (pairs["language"] == spoken).to_numpy()
            q = quality(pairs["same"][mine], s[mine] >= best[name])
            lines.append(f"| `{name}` | {best[name]} | {spoken} | {shown(q.precision)} | {shown(q.recall)} |")
    lines += ["", said["curve"], said["curve_head"], rule(said["curve_head"])]
    for spoken in LANGUAGES:
        mine = test & (pairs["language"] == spoken).to_numpy()
        for threshold in THRESHOLDS:
            q = quality(pairs["same"][mine], ours[mine] >= threshold)
            lines.append(f"| {spoken} | {threshold} | {shown(q.precision)} | {shown(q.recall)} |")
    lines += ["", said["kinds"].format(t=t), said["kind"], rule(said["kind"])]
    tested = pairs[test].assign(score=ours[test])
    for (spoken, same, kind), part in tested.groupby(["language", "same", "kind"], sort=True):
        called = wilson(int((part["score"] >= t).sum()), len(part))
        lines.append(f"| {spoken} | {kind} | {said['yes' if same else 'no']} | {shown(called)} |")
    count = against_list(pairs, t, consider)
    lines += ["", said["list"], said["list_text"].format(t=t, c=consider, **count)]
    wrong = tested[tested["same"] != (tested["score"] >= t)]
    lines += ["", said["mistakes"].format(t=t), said["mistake"], rule(said["mistake"])]
    lines += [f"| {r.name} | {r.listed} | {said['yes' if r.same else 'no']} | {r.kind} | {r.score:.1f} |"
              for r in wrong.itertuples(index=False, name="Row")]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    date = dt.date.today().isoformat()
    for language, ending in (("en", "md"), ("zh", "zh.md")):
        (DOCS / f"matching.{ending}").write_text(page(language, date), encoding="utf-8")


if __name__ == "__main__":
    main()
