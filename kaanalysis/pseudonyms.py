"""Names that leave the house: accounts, sellers, partners and persons replaced by code words, the same one for the same name wherever it
stands, and nobody without the key can tell which is whose.

A code word is a keyed hash (HMAC-SHA-256, RFC 2104) of the kind and the name, 40 bits of it in Crockford's base 32 without letters that
are mistaken for figures. The key lies in a file of its own beside the run, never in it; the same key gives the same code words in every
report. Pseudonyms are no anonymity (GDPR, article 4(5)): amounts, days and regions stay, and who knows a large deal knows whose it was.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from kaanalysis.contracts import UnusableData

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8  # characters: among 100,000 names the chance that any two are alike is 0.5 %
# Beginning of the code words of a kind, so that a reader sees what it stands for in any language.
PREFIXES = {"account": "A", "deal": "D", "seller": "S", "partner": "P", "person": "C", "company": "F", "value": "V"}
CODE_WORD = re.compile(f"[{''.join(PREFIXES.values())}](-[{_ALPHABET}]{{4}}){{2}}")
# Which kind a column holds, and from which column of the row its code word is made: a name gets that of its id.
COLUMNS: dict[str, tuple[str, str]] = {
    "account_id": ("account", "account_id"), "parent_account_id": ("account", "parent_account_id"), "cluster": ("account", "cluster"),
    "account_a": ("account", "account_a"), "account_b": ("account", "account_b"), "name_a": ("account", "account_a"),
    "name_b": ("account", "account_b"), "account_name": ("account", "account_id"), "name": ("account", "account_id"),
    "opportunity_id": ("deal", "opportunity_id"), "opportunity_a": ("deal", "opportunity_a"),
    "opportunity_b": ("deal", "opportunity_b"), "owner": ("seller", "owner"), "seller": ("seller", "seller"),
    "partner_id": ("partner", "partner_id"), "person_id": ("person", "person_id"), "flow_id": ("deal", "flow_id"),
}  # fmt: skip
_MARK = "kaanalysis pseudonym key: keep it out of the run and out of the report"


class NoKey(UnusableData, ValueError):
    """A file that is no pseudonym key."""


class KeyInRun(UnusableData, ValueError):
    """The key would lie where the report is handed on."""


def key_path(run: Path) -> Path:
    """Where the key of a run lies: beside its folder."""
    run = Path(run)
    return run.parent / f"{run.name}.pseudonyms.key"


def read_or_make_key(path: Path, run: Path | None = None) -> bytes:
    """The secret in the file `path`; a new one, readable by its owner only, where there is no file yet.

    run: folder in which it must not lie; :class:`KeyInRun` if it does. Raises :class:`NoKey` for a file that is none."""
    path = Path(path)
    if run is not None and path.resolve().is_relative_to(Path(run).resolve()):
        raise KeyInRun(f"{path.name} must not lie inside the run folder {Path(run).name}")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Opened so that no other user can read it at any moment; a file made meanwhile by another run is not overwritten.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"# {_MARK}\n{secrets.token_hex(32)}\n")
        except OSError:  # a full disk: half a key would be refused ever after
            path.unlink()
            raise
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    try:
        secret = bytes.fromhex(lines[0])
    except (IndexError, ValueError):
        raise NoKey(f"{path.name} is not a pseudonym key: a line of 64 hexadecimal digits is expected") from None
    if len(secret) != 32:
        raise NoKey(f"{path.name} is not a pseudonym key: a line of 64 hexadecimal digits is expected")
    return secret


@dataclass(frozen=True)
class Pseudonyms:
    """Code words under one secret. columns: as :data:`COLUMNS`; what is not named there stays as it is."""

    secret: bytes = field(repr=False)
    columns: Mapping[str, tuple[str, str]] = field(default_factory=lambda: COLUMNS)

    def of(self, kind: str, name: str) -> str:
        """The code word of a name: prefix of its kind (:data:`PREFIXES`), four characters, four characters. KeyError for another kind."""
        digest = hmac.new(self.secret, f"{kind}\0{name}".encode(), hashlib.sha256).digest()
        number = int.from_bytes(digest[:8], "big")
        word = "".join(_ALPHABET[(number >> (5 * i)) & 31] for i in range(LENGTH))
        return f"{PREFIXES[kind]}-{word[:4]}-{word[4:]}"

    def fingerprint(self) -> str:
        """Tells runs under one key from runs under another, and nothing about the key: 64 bits of its HMAC of a constant."""
        return hmac.new(self.secret, b"kaanalysis fingerprint", hashlib.sha256).hexdigest()[:16]

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with the columns of :attr:`columns` replaced; what is missing stays missing, the order of rows stays.

        A name whose id the frame does not hold gets a code word of its own. Free text (topics, remarks) is not searched for names: frames
        that hold any must not leave the house."""
        out = frame.copy()
        for column, (kind, source) in self.columns.items():
            if column not in frame.columns:
                continue
            base = frame[source] if source in frame.columns else frame[column]
            known = {v: self.of(kind, str(v)) for v in base.dropna().unique()}
            words = base.map(known).astype(object)
            out[column] = words.where(frame[column].notna() & base.notna(), None)
        return out
