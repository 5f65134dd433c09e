"""Pseudonyms: stable, distinct, not to be told without the key, and a key that never lies in the run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import stat
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.pseudonyms import PREFIXES, KeyInRun, Pseudonyms, key_path, read_or_make_key

SECRET = bytes(range(32))


def test_a_code_word_against_the_standard_library() -> None:
    """HMAC-SHA-256 of kind and name; eight groups of five bits, lowest first, in Crockford's alphabet."""
    number = int.from_bytes(hmac.new(SECRET, b"account\0A17", hashlib.sha256).digest()[:8], "big")
    standard = base64.b32hexencode(bytes(32)).decode()[:1] + "123456789ABCDEFGHJKMNPQRSTVWXYZ"
    word = "".join(standard[number // 32**i % 32] for i in range(8))
    assert Pseudonyms(SECRET).of("account", "A17") == f"A-{word[:4]}-{word[4:]}"


@settings(max_examples=40)
@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(sorted(PREFIXES)))
def test_one_name_one_word_and_other_names_other_words(one: str, other: str, kind: str) -> None:
    made = Pseudonyms(SECRET)
    assert made.of(kind, one) == Pseudonyms(SECRET).of(kind, one)
    assert (made.of(kind, one) == made.of(kind, other)) == (one == other)
    assert re.fullmatch(r"[A-Z]-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", made.of(kind, one))
    assert made.of(kind, one) != Pseudonyms(b"x" * 32).of(kind, one)


def test_ten_thousand_names_stay_apart() -> None:
    made = Pseudonyms(SECRET)
    assert len({made.of("account", f"A{i:05d}") for i in range(10_000)}) == 10_000


def test_frames_keep_their_rows_and_what_is_missing() -> None:
    frame = pd.DataFrame(
        {"account_id": ["A2", "A1", None], "account_name": ["Zwei", None, "Drei"], "owner": ["kim", None, "kim"], "amount": [1.0, 2.0, 3.0],
         "team": ["ka", "smb", "ka"]}
    )  # fmt: skip
    out = Pseudonyms(SECRET).apply(frame)
    assert out["account_name"][0] == out["account_id"][0] and out["owner"][0] == out["owner"][2]
    assert out.isna().to_numpy().tolist()[1] == [False, True, True, False, False]
    assert pd.isna(out["account_id"][2]) and "Drei" not in out.to_csv()
    assert out["amount"].tolist() == [1, 2, 3] and out["team"].tolist() == ["ka", "smb", "ka"]
    assert frame["owner"][0] == "kim", "the frame handed in must stay as it is"
    alone = Pseudonyms(SECRET).apply(pd.DataFrame({"partner_id": ["partner-01"]}))["partner_id"][0]
    assert alone.startswith("P-")


def test_the_key_lies_beside_the_run_and_is_its_owners_alone(tmp_path: Path) -> None:
    run = tmp_path / "reports" / "june"
    run.mkdir(parents=True)
    path = key_path(run)
    secret = read_or_make_key(path, run)
    assert len(secret) == 32 and path.parent == run.parent and not list(run.iterdir())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_make_key(path, run) == secret
    assert read_or_make_key(tmp_path / "other.key") != secret
    with pytest.raises(KeyInRun, match="inside the run"):
        read_or_make_key(run / "inside.key", run)
    assert not list(run.iterdir())


@pytest.mark.parametrize("content", ["", "# only a remark\n", "not hexadecimal\n", "abcd\n"])
def test_what_is_no_key_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="64 hexadecimal"):
        read_or_make_key(tmp_path / "key")


def test_the_secret_is_in_no_message() -> None:
    assert SECRET.hex() not in repr(Pseudonyms(SECRET)) and str(SECRET) not in repr(Pseudonyms(SECRET))
