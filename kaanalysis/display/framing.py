"""Tables of 00 problem framing for a reader."""

from __future__ import annotations

import pandas as pd

from kaanalysis.results import Result
from kaanalysis.text import Words


def customer_counts(result: Result, words: Words) -> pd.DataFrame:
    """How many accounts each word means, one row per stage, one column per segment and all."""
    frame = result.frames["customer_counts"]
    segments = [s for s in ("SMB", "KA", "", "all") if (frame["segment"] == s).any()]
    names = [words("display.no_segment") if not s else words.segment(s) for s in segments]
    counts = frame.set_index(["stage", "segment"])["accounts"]
    rows = [
        (words.term("stage", str(k)), *(int(counts[k, s]) for s in segments)) for k in dict.fromkeys(frame["stage"])
    ]
    return pd.DataFrame(rows, columns=[words("table.stage"), *names])
