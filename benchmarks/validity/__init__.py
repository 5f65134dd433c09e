"""How far the workbook's numbers can be trusted, measured on companies whose truth is known. ``python -m benchmarks.validity``.

engine: companies in memory. truths: what every number estimates, and what that makes of every finding. cells: the companies that are
drawn. study: one drawn company to one row, in parallel and resumable. report: rows to tables.
"""

import os

# Processes run side by side; a second thread of each for linear algebra would only get in the way of the others. Set before numpy loads.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
