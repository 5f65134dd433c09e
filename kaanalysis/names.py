"""Company names compared, English and Chinese: which of the listed companies an account's name means.

A name is cut into words: Latin script at spaces, Chinese at the words of ``names.toml`` (trades, places), what is left between
them being the part that names the company. Words are aligned, one to one, and weighed: the rare part counts fully, trades and
places less, and every word less the more listed names have it (the idea of inverse document frequency, Spärck Jones 1972; of a
soft comparison of weighed words, Cohen, Ravikumar and Fienberg 2003). So neither a word of legal form nor "Bank of" or 中国
makes a match. The two sides are not alike: people shorten names, so an account may leave words out; an account with more words
than the list ("Siemens Energy", 中国石化上海石油化工) is probably a part of that company, which is another account. Which account
belongs to which head office is ``parent_account_id``'s to say.

How often it is right is measured on labelled names: docs/matching.md. Not covered: translation between the two languages, traditional
characters, acronyms (ICBC, 工行), former names.
"""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rapidfuzz import process
from rapidfuzz.distance import OSA
from scipy import sparse

BLOCK = 1_000  # names compared with the whole list at once: 16 MB per 1,000 names and 2,000 listed
MARGIN = 3.0  # points of score within which two listed names are about as near
TYPO = 0.8  # similarity from which a word may be another one mistyped: one letter in five
TYPO_LENGTH = 5  # letters; shorter words are other words when a letter differs
WEIGHTS = {"rare": 1.0, "trade": 0.4, "place": 0.4, "light": 0.15}
# What a listed word costs that the account leaves out, and an account's word that is not in the listed name, as shares of its weight.
LEFT_OUT = {"rare": 1.0, "trade": 0.35, "place": 0.35, "light": 0.1}
ADDED = {"rare": 1.0, "trade": 1.0, "place": 1.0, "light": 0.5}
REGISTERED_AT = 0.2  # instead of LEFT_OUT for a place at the beginning: 浙江吉利 is called 吉利
NEAREST = 99.0  # highest score of names whose core names differ
STATES = ("accepted", "ambiguous", "candidate")
_HAN = r"㐀-鿿豈-﫿"
_LATIN_WORD, _BRACKETS = re.compile(r"[^\W_]+"), re.compile(r"[(\[【〔]([^()\[\]【】〔〕]*)[)\]】〕]")
_RUNS = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_HAN_LETTER = re.compile(rf"[{_HAN}]")


@dataclass(frozen=True)
class _Vocabulary:
    """names.toml, ready to use: classes of words and patterns."""

    anywhere: frozenset[str]
    at_end: frozenset[str]
    at_start: frozenset[str]
    between: frozenset[str]
    in_brackets: frozenset[str]
    endings: re.Pattern[str]
    same: dict[str, str]
    kinds: dict[str, str]
    cuts: re.Pattern[str]


@cache
def _vocabulary() -> _Vocabulary:
    with (Path(__file__).parent / "names.toml").open("rb") as file:
        said = tomllib.load(file)
    english, chinese = said["english"], said["chinese"]
    kinds = {word: kind for part in (english, chinese) for kind, words in part["words"].items() for word in words}

    def longest_first(words: Iterable[str]) -> str:
        return "|".join(sorted(map(re.escape, words), key=lambda w: (-len(w), w)))

    han = [word for word in (*kinds, *chinese["same"], *chinese["same"].values()) if _HAN_LETTER.match(word)]
    return _Vocabulary(
        frozenset(english["anywhere"]),
        frozenset(english["at_end"]),
        frozenset(english["at_start"]),
        frozenset(english["between"]),
        frozenset(english["countries_in_brackets"]) | frozenset(chinese["in_brackets"]),
        re.compile(rf"(?:{longest_first(chinese['at_end'])})$"),
        {**english["same"], **chinese["same"]},
        kinds,
        re.compile(longest_first(set(han))),
    )


def _plain(name: str) -> str:
    """One spelling: full width and half width, case, accents of Latin letters, apostrophes and the full stops of initials."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = unicodedata.normalize("NFKC", text).casefold().replace("ı", "i").replace("ø", "o").replace("ł", "l")
    text = re.sub(r"['’‘`´.·•]", lambda found: "" if found.group() != "." else "\x00", text)
    # A full stop inside initials (s.a., u.s., j.p.) joins them; any other one separates (amazon.com).
    text = re.sub(
        r"\b(?:[^\W\d_]\x00\s?)+(?:[^\W\d_]\b(?!\x00))?", lambda f: re.sub(r"[\x00\s]", "", f.group()) + " ", text
    )
    text = text.replace("\x00", " ")
    return re.sub(r"\b(\w{1,2})\s*&\s*(\w{1,2})\b", r"\1\2", text)  # at&t, s&p: one word


def core_name(name: str) -> str:
    """A name without what does not tell companies apart: case, width, accents, punctuation, legal forms, "group" and "holding".

    Words are separated by one space; Chinese stands without spaces. What is empty without its legal forms keeps them ("The Limited" →
    "limited"); a name without any letter or digit becomes "". The core of a core is itself. An account's place of registration in
    brackets is dropped for China as a whole only: 西门子（中国）有限公司 → 西门子, but 西门子（上海）→ 西门子上海.
    """
    # Dropping one thing can bring another to the end, so that only a name which stays as it is counts as done.
    before, core = None, name
    while core != before:
        before, core = core, _core_once(core)
    return core


@lru_cache(maxsize=1 << 16)
def _core_once(name: str) -> str:
    words = _vocabulary()
    text = _plain(name)
    # Brackets go while something is left outside them.
    kept = _BRACKETS.sub(lambda f: " " if f.group(1).strip() in words.in_brackets else f" {f.group(1)} ", text)
    runs = _RUNS.findall(kept) or _RUNS.findall(text)
    if not runs:
        return ""
    if any(_HAN_LETTER.match(run) for run in runs):
        return _chinese_core(runs)
    return " ".join(_latin_core(runs))


def _latin_core(runs: list[str]) -> list[str]:
    words = _vocabulary()
    kept = [run for run in runs if run not in words.anywhere]
    if all(run in words.between for run in kept):
        kept = list(runs)
    while len(kept) > 1 and kept[-1] in words.at_end:
        kept.pop()
    while len(kept) > 1 and kept[0] in words.at_start:
        kept.pop(0)
    return kept


def _chinese_core(runs: list[str]) -> str:
    """Latin runs of a Chinese name ("TCL科技", "Co., Ltd.") lose their legal forms like any; the Chinese stands in one piece."""
    words = _vocabulary()
    text = "".join(run for run in runs if run not in words.anywhere) or "".join(runs)
    while (shorter := words.endings.sub("", text)) and shorter != text:
        text = shorter
    return text


@dataclass(frozen=True)
class _Words:
    """A name as words: the key each is compared by, and its kind."""

    core: str
    keys: tuple[str, ...]
    kinds: tuple[str, ...]


def _fold(word: str) -> str:
    """The key of a word: other spellings, then plurals."""
    same = _vocabulary().same
    if word in same:
        return same[word]
    single = word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") and word.isascii() else word
    return same.get(single, single)


@lru_cache(maxsize=1 << 16)
def _words(core: str) -> _Words:
    vocabulary = _vocabulary()
    found: list[str] = []
    for run in _RUNS.findall(core):
        if not _HAN_LETTER.match(run):
            found.append(run)
            continue
        at = 0
        for cut in vocabulary.cuts.finditer(run):
            found += [run[at : cut.start()]] * (cut.start() > at) + [cut.group()]
            at = cut.end()
        found += [run[at:]] * (at < len(run))
    keys = [_fold(word) for word in found]
    kept = [key for key in keys if key not in vocabulary.between] or keys
    seen: Counter[str] = Counter()
    for i, key in enumerate(kept):
        seen[key] += 1
        kept[i] = key if seen[key] == 1 else f"{key} {seen[key]}"  # Johnson & Johnson has two, Johnson one of them
    return _Words(core, tuple(kept), tuple(map(_kind, kept)))


def _kind(key: str) -> str:
    return _vocabulary().kinds.get(key.partition(" ")[0], "rare")


class _Listed:
    """The listed names with the weights of their words."""

    def __init__(self, listed: Sequence[str]) -> None:
        cores = [core_name(name) for name in listed]
        self.words = [_words(core) for core in cores]
        self.frequency = Counter(key for words in self.words for key in words.keys)
        self.size = len(listed)
        self.column = {key: i for i, key in enumerate(sorted(self.frequency))}
        self.pairs = {a + b: (a, b) for words in self.words for a, b in zip(words.keys, words.keys[1:], strict=False)}
        self.weights = [tuple(map(self.weight, words.keys, words.kinds)) for words in self.words]

    def weight(self, key: str, kind: str) -> float:
        """Weight of the kind, less the more listed names share the word: 1 for one name, a fifth at least."""
        seen = self.frequency.get(key, 0)
        return WEIGHTS[kind] * (max(0.2, 1 - math.log(seen) / math.log(self.size + 1)) if seen > 1 else 1.0)

    def spaced(self, words: _Words) -> _Words:
        """The name with its words joined or parted as the listed names have them: Wal Mart → Walmart, ExxonMobil → Exxon Mobil."""
        keys: list[str] = []
        for key in words.keys:
            if keys and keys[-1] + key in self.column:
                keys[-1] += key
            elif key not in self.column and key in self.pairs:
                keys += self.pairs[key]
            else:
                keys.append(key)
        return _Words(words.core, tuple(keys), tuple(map(_kind, keys)))


def _costs(words: _Words, weights: Sequence[float]) -> list[float]:
    """What each word of a listed name costs if it is left out, and nothing is added: less where a rare word is left to know it by."""
    if "rare" not in words.kinds:
        return list(weights)
    costs = [w * LEFT_OUT[kind] for kind, w in zip(words.kinds, weights, strict=True)]
    if words.kinds[0] == "place":
        costs[0] = weights[0] * REGISTERED_AT
    return costs


def _score(name: _Words, listed: _Words, index: _Listed, at: int, alike: dict[tuple[str, str], float]) -> float:
    """0 … 100: the weight of the words found on both sides over that and the cost of those found on one."""
    if name.core.replace(" ", "") == listed.core.replace(" ", ""):
        return 100.0
    weights = index.weights[at]
    costs = _costs(listed, weights)
    free = dict.fromkeys(range(len(listed.keys)))
    matched = cost = 0.0
    added: list[tuple[str, float]] = []
    for exact in (True, False):  # a word that is there as it is must not be taken by a mistyped one
        rest = name.keys if exact else tuple(key for key in name.keys if key not in listed.keys)
        for key in rest:
            near = [(alike.get((key, listed.keys[i]), 0.0), -i) for i in free] if not exact else []
            same = [i for i in free if listed.keys[i] == key] if exact else []
            if same:
                matched += weights[same[0]]
                del free[same[0]]
            elif near and max(near)[0] > 0:
                likeness, i = max(near)
                matched += weights[-i] * likeness
                cost += weights[-i] * (1 - likeness)
                del free[-i]
            elif not exact:
                kind = _kind(key)
                added.append((kind, index.weight(key, kind)))
    # Words on both sides that the other lacks are no short form: Toyota Industries is not Toyota Motor, 上海建工 not 北京建工.
    cost += sum(weight if free else weight * ADDED[kind] for kind, weight in added)
    cost += sum(weights[i] if added else costs[i] for i in free)
    return min(NEAREST, 100 * matched / (matched + cost)) if matched > 0 else 0.0


def _likenesses(keys: Sequence[str], index: _Listed, workers: int) -> dict[tuple[str, str], float]:
    """Words of names and listed words that may be one word mistyped, with their similarity (0.8 … 1).

    A word that the list or the vocabulary has is not mistyped."""
    known = _vocabulary().kinds
    asked = [k for k in keys if k not in index.column and k not in known and len(k) >= TYPO_LENGTH]
    wanted = [k for k in index.column if len(k) >= TYPO_LENGTH]
    alike: dict[tuple[str, str], float] = {}
    for start in range(0, len(asked) if wanted else 0, BLOCK):
        block = asked[start : start + BLOCK]
        near = process.cdist(
            block, wanted, scorer=OSA.normalized_similarity, score_cutoff=TYPO, workers=workers, dtype=np.float64
        )
        for row, column in zip(*np.nonzero(near), strict=True):
            alike[block[row], wanted[column]] = float(near[row, column])
    return alike


def _usable(name: Any) -> bool:
    return isinstance(name, str) and core_name(name) != ""


def match_names(
    names: Iterable[Any], listed: Iterable[Any], *, accept: float, consider: float, workers: int = -1
) -> pd.DataFrame:
    """The nearest listed name of every name that has one with a score of at least ``consider``; sorted by position.

    ``names``: shape (n,), ``listed``: shape (m,); missing and empty ones match nothing. ``accept``, ``consider``: scores, 0 …
    100, consider ≤ accept. ``workers``: threads; -1 all. Memory grows with 1,000 × m, not with n × m.

    Columns: ``position``, ``listed_position``: 0-based, in the order given. ``score``: 100 where the core names are equal, at most 99
    otherwise; 0 nothing in common. ``state``: ``ambiguous`` where another listed name is within 3 points (or also at 100; then the first
    listed is named), else ``accepted`` where the score is at least ``accept``, else ``candidate``, for a person to judge.
    Raises ValueError for thresholds out of order or range. How the score is made: the module's text; how good it is: docs/matching.md.
    """
    if not 0 <= consider <= accept <= 100:
        raise ValueError(f"0 <= consider <= accept <= 100 must hold; not consider {consider}, accept {accept}")
    names, listed = list(names), list(listed)
    there = [i for i, name in enumerate(listed) if _usable(name)]
    index = _Listed([listed[i] for i in there])
    asked = [i for i, name in enumerate(names) if _usable(name)]
    rows: list[tuple[int, int, float, str]] = []
    if there and asked:
        words = [index.spaced(_words(core_name(names[i]))) for i in asked]
        alike = _likenesses(sorted({key for w in words for key in w.keys}), index, workers)
        for at, found in _compare(words, index, alike, max(consider - MARGIN, 0)):
            if not found or found[0][0] < consider:
                continue
            (best, nearest), second = found[0], found[1][0] if len(found) > 1 else -math.inf
            close = best - second <= MARGIN and not (best == 100 > second)
            state = "ambiguous" if close else "accepted" if best >= accept else "candidate"
            rows.append((asked[at], there[nearest], best, state))
    frame = pd.DataFrame(rows, columns=["position", "listed_position", "score", "state"])
    return frame.astype({"position": "int64", "listed_position": "int64", "score": "float64", "state": "str"})


def pair_scores(names: Sequence[str], others: Sequence[str], listed: Sequence[str]) -> list[float]:
    """The score of each name with the listed name beside it, 0 … 100, words being weighed by the whole list.

    ``names``, ``others``: shape (n,), non-empty; ``listed``: shape (m,), every one of ``others`` among them, else KeyError."""
    index, place = _Listed(listed), {name: i for i, name in enumerate(listed)}
    words = [index.spaced(_words(core_name(name))) for name in names]
    alike = _likenesses(sorted({key for w in words for key in w.keys}), index, 1)
    at = [place[other] for other in others]
    return [round(_score(w, index.words[i], index, i, alike), 4) for w, i in zip(words, at, strict=True)]


def _compare(
    names: Sequence[_Words], index: _Listed, alike: dict[tuple[str, str], float], floor: float
) -> Iterable[tuple[int, list[tuple[float, int]]]]:
    """Each name's number with (score, listed number) of what scores at least floor, best first, ties in the order listed.

    A sparse product gives a bound that no score exceeds; only pairs that could reach the floor are scored."""
    near: dict[str, list[str]] = {}
    for one, other in alike:
        near.setdefault(one, []).append(other)
    rows, columns, weights, costs = [], [], [], []
    for i, words in enumerate(index.words):
        for key, weight, cost in zip(words.keys, index.weights[i], _costs(words, index.weights[i]), strict=True):
            rows.append(index.column[key])
            columns.append(i)
            weights.append(weight)
            costs.append(cost)
    shape = (len(index.column), index.size)
    weight_of = sparse.csr_array((weights, (rows, columns)), shape=shape)
    cost_of = sparse.csr_array((costs, (rows, columns)), shape=shape)
    whole_cost = cost_of.sum(axis=0)
    has_word = (weight_of > 0).astype(np.float64)
    cores: dict[str, list[int]] = {}
    for i, words in enumerate(index.words):
        cores.setdefault(words.core.replace(" ", ""), []).append(i)
    for start in range(0, len(names), BLOCK):
        block = names[start : start + BLOCK]
        cells = [(r, index.column[k], r, key) for r, w in enumerate(block) for key in w.keys
                 for k in (key, *near.get(key, ())) if k in index.column]  # fmt: skip
        if cells:
            shared = sparse.csr_array(
                (np.ones(len(cells)), ([c[0] for c in cells], [c[1] for c in cells])),
                shape=(len(block), len(index.column)),
            )
            added = sparse.csr_array(
                ([_added(index, c[3]) for c in cells], ([c[0] for c in cells], [c[1] for c in cells])),
                shape=shared.shape,
            )
            own = np.array([sum(_added(index, key) for key in w.keys) for w in block])
            matched = (shared @ weight_of).toarray()
            missing = np.maximum(whole_cost[None, :] - (shared @ cost_of).toarray(), 0)
            missing += np.maximum(own[:, None] - (added @ has_word).toarray(), 0)
            with np.errstate(invalid="ignore"):
                bound = np.where(matched > 0, 100 * matched / (matched + missing), 0)
            hopeful = [np.flatnonzero(row >= max(floor - 1e-3, 1e-9)).tolist() for row in bound]
        else:
            hopeful = [[] for _ in block]
        for r, words in enumerate(block):
            tried = sorted({*hopeful[r], *cores.get(words.core.replace(" ", ""), ())})
            scored = [(round(_score(words, index.words[i], index, i, alike), 4), i) for i in tried]
            yield start + r, sorted(((s, i) for s, i in scored if s >= floor), key=lambda found: (-found[0], found[1]))


def _added(index: _Listed, key: str) -> float:
    kind = _kind(key)
    return index.weight(key, kind) * ADDED[kind]
