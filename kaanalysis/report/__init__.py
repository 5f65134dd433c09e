"""The report: a run folder's files → ``report.<language>.html``, self-contained, no notebook re-run; its tables in full as
``report.<language>.xlsx`` and the executed notebooks as pages beside it; ``report.<language>.pdf`` where an engine is there.

>>> build(run, "en")
>>> misfits(run, "en")  # figures in the prose that no result of the run holds: none
>>> print_pdf(run / "report.en.html")
"""

from kaanalysis.report.page import build
from kaanalysis.report.pdf import Engine, NoEngine, find_engine, print_pdf
from kaanalysis.report.prose import Misfit, misfits

__all__ = ["Engine", "Misfit", "NoEngine", "build", "find_engine", "misfits", "print_pdf"]
