"""Execute every notebook in place and keep what nbval compares: outputs, without run metadata, times or machine paths.

Run by ``make notebooks`` after a change of code, policy or demo company; look at the diff before committing it."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Counts, ids, tags and outputs stay; times and the kernel's own metadata go."""
    notebook.metadata = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}  # fmt: skip
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
    return notebook


def main() -> None:
    with tempfile.TemporaryDirectory() as run:
        os.environ["KAANALYSIS_RUN"] = run
        # The start page before there is any result: as it looks in a fresh checkout.
        for path in [NOTEBOOKS / "start.ipynb", *sorted(NOTEBOOKS.glob("0*.ipynb"))]:
            notebook = nbformat.read(path, as_version=4)
            client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}},
                                    extra_arguments=["--log-level=CRITICAL"])  # fmt: skip
            client.execute()
            path.write_text(json.dumps(cleaned(notebook), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            print(path.name)


if __name__ == "__main__":
    main()
