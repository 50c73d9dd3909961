"""A database server of its own for each worker of a parallel test run.

Followers wait for every open transaction of their server, also one in the test database of another worker.
Loaded with `-p` before Django reads its settings, and with them where the data is.
"""

import os

if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and "PERENNIAL_DATA" in os.environ:
    os.environ["PERENNIAL_DATA"] += f"-{worker}"
