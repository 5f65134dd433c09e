"""Two DAGs: the whole report as one command, and three notebooks with PapermillOperator (docs/schedule.md).

Airflow lives in an environment of its own; the notebooks run in the workbook's, through a kernel registered once:
``.venv/bin/python -m ipykernel install --prefix AIRFLOW_ENVIRONMENT --name kaanalysis``. KAANALYSIS_HOME is the checkout.
"""

import os
from datetime import datetime
from pathlib import Path

from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

HOME = Path(os.environ["KAANALYSIS_HOME"])
DATA = os.environ.get("KAANALYSIS_DATA", str(HOME / "data" / "demo"))
RUN = f"{HOME}/reports/nightly/{{{{ ds }}}}"  # Airflow fills in the date of the run

with DAG("kaanalysis_report", schedule="0 2 * * *", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1):
    # Exit code 1 or 2 fails the task; the lock keeps a retry out while the first try is still running.
    BashOperator(
        task_id="report",
        bash_command=f"{HOME}/.venv/bin/kaanalysis report {DATA} --out {RUN} --quiet --log {HOME}/reports/nightly/log.jsonl --keep 14",
        cwd=str(HOME),
    )

with DAG("kaanalysis_notebooks", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1):
    # Results and tables of the path decision without the report; 04 reads what 01 and 03 left in the run folder.
    run = RUN.replace("nightly", "airflow")
    tasks = {
        name: PapermillOperator(
            task_id=name,
            input_nb=f"{HOME}/notebooks/{name}.ipynb",
            output_nb=f"{run}/{name}.ipynb",
            parameters={"data": DATA, "run": run, "lang": "en", "overrides": {}},
            kernel_name="kaanalysis",
        )
        for name in ("01_base_assumptions", "03_sales_flow", "04_path_selection")
    }
    folder = BashOperator(task_id="folder", bash_command=f"mkdir -p {run}")  # Papermill makes none
    folder >> [tasks["01_base_assumptions"], tasks["03_sales_flow"]] >> tasks["04_path_selection"]
