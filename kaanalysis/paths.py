"""Where the workbook's own files lie: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def workbook_file(relative: str) -> Path:
    """Path of a file or folder of the workbook (``policy.toml``, ``notebooks``, ``data/imports`` …); it may not exist."""
    inside = PACKAGE / "_workbook" / relative
    return inside if inside.exists() else PACKAGE.parent / relative
