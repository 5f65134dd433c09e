"""Make the package's Chinese font: a subset of Noto Sans CJK SC with what figures and reports need.

Run once, where Debian's fonts-noto-cjk is installed (``apt-get install fonts-noto-cjk``), in the repository's root::

    python scripts/subset_font.py

It writes ``kaanalysis/assets/fonts/KAanalysisSansSC-{Regular,Bold}.otf`` and the licence beside them. Kept: the 6,763
hanzi of GB2312 (level 2 as well: names of Chinese companies are full of 鑫, 晟 and 昊), GB2312's symbols, Latin, Greek and Cyrillic,
and every character of ``kaanalysis/text/*.toml``.
The family is renamed, so that a figure never picks up another Noto of the machine in its place (the OFL allows it: Noto
has no reserved font name).
The same source font gives the same bytes: no time stamps are written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path("/usr/share/fonts/opentype/noto")
LICENCE = Path("/usr/share/doc/fonts-noto-cjk/copyright")
TARGET = ROOT / "kaanalysis" / "assets" / "fonts"
FAMILY = "KAanalysis Sans SC"
WEIGHTS = ("Regular", "Bold")
MAY_WEIGH = 4_000_000
SYMBOLS = "→←↑↓↔−×÷≥≤≈≠±·…‰%¥€£$–—‑「」『』《》“”‘’、。，；：？！（）□■●○◆◇▲△▼▽★☆✓✗§°²³½µαβγδλσ∞√∑"
RANGES = (
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x391, 0x3C9),
    (0x401, 0x451),
    (0x2010, 0x2027),
    (0x20AC, 0x20AC),
    (0xFF01, 0xFF5E),
)


def gb2312(first_row: int, last_row: int) -> set[str]:
    """Characters of the GB2312 rows given (1–9 symbols, 16–55 hanzi of level 1, 56–87 of level 2)."""
    found = set()
    for row in range(first_row, last_row + 1):
        for cell in range(1, 95):
            try:
                found.add(bytes((0xA0 + row, 0xA0 + cell)).decode("gb2312"))
            except UnicodeDecodeError:
                continue
    return found


def wanted() -> set[str]:
    """Every character the subset should hold, where the source has it."""
    characters = gb2312(1, 9) | gb2312(16, 87) | set(SYMBOLS)
    for first, last in RANGES:
        characters |= {chr(code) for code in range(first, last + 1)}
    for path in (ROOT / "kaanalysis" / "text").glob("*.toml"):
        characters |= set(path.read_text(encoding="utf-8"))
    return {c for c in characters if c.isprintable()}


def simplified(path: Path) -> TTFont:
    """The member of the collection whose family is Noto Sans CJK SC."""
    for font in TTCollection(str(path), lazy=True).fonts:
        if font["name"].getDebugName(1).startswith("Noto Sans CJK SC"):
            return font
    raise SystemExit(f"{path} holds no Noto Sans CJK SC")


def rename(font: TTFont, weight: str) -> None:
    """Give the font the package's family name; copyright and licence entries stay as they are."""
    names = font["name"]
    texts = {
        1: FAMILY,
        2: weight,
        3: f"{FAMILY} {weight} subset",
        4: f"{FAMILY} {weight}",
        6: f"KAanalysisSansSC-{weight}",
    }
    keep = {0, 5, 7, 8, 9, 11, 13, 14}
    names.names = [n for n in names.names if n.nameID in keep and n.langID == 0x409]
    for number, text in texts.items():
        names.setName(text, number, 3, 1, 0x409)
    font["CFF "].cff.fontNames = [texts[6]]


def make(weight: str, characters: set[str]) -> Path:
    """Write one weight of the subset."""
    font = simplified(SOURCE / f"NotoSansCJK-{weight}.ttc")
    font.recalcTimestamp = False
    options = subset.Options()
    options.hinting = False
    options.desubroutinize = False
    options.layout_features = ["kern", "mark", "mkmk", "ccmp"]
    options.name_IDs = ["*"]
    options.name_languages = [0x409]
    options.drop_tables += ["VORG", "vhea", "vmtx", "BASE", "DSIG"]
    options.recalc_timestamp = False
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted(characters)))
    cutter.subset(font)
    rename(font, weight)
    path = TARGET / f"KAanalysisSansSC-{weight}.otf"
    partial = path.with_suffix(".part")
    font.save(str(partial), reorderTables=True)
    partial.replace(path)
    return path


def licence() -> str:
    """The OFL as Debian ships it, with the copyright line of the font itself and what was changed."""
    font = simplified(SOURCE / "NotoSansCJK-Regular.ttc")
    lines = LICENCE.read_text(encoding="utf-8").split("License: SIL-1.1\n")[-1].split("\nLicense: ")[0].splitlines()
    body = "\n".join("" if line.strip() == "." else line.removeprefix(" ") for line in lines)
    source = "https://github.com/googlefonts/noto-cjk (Debian package fonts-noto-cjk)"
    head = f"{font['name'].getDebugName(0)}\nSource: {source}\n"
    change = f"{FAMILY} is a subset of Noto Sans CJK SC under another name, made by scripts/subset_font.py.\n"
    return f"{head}{change}\n{body.strip()}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    TARGET.mkdir(parents=True, exist_ok=True)
    characters = wanted()
    paths = [make(weight, characters) for weight in WEIGHTS]
    size = sum(p.stat().st_size for p in paths)
    if size > MAY_WEIGH:
        raise SystemExit(f"the fonts weigh {size:,} bytes together, more than {MAY_WEIGH:,}")
    (TARGET / "LICENCE-OFL.txt").write_text(licence(), encoding="utf-8")
    for path in paths:
        print(
            f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes, {len(TTFont(path).getBestCmap()):,} characters"
        )


if __name__ == "__main__":
    main()
