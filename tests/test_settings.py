"""The settings of the Kedro project."""

import os
import subprocess
import sys


def test_environment_is_set_before_torch() -> None:
    """Importing the settings makes threads wait passively and leaves torch unloaded."""
    code = (
        "import os, sys; import codisearch.settings as s; "
        "print(os.environ['OMP_WAIT_POLICY'], os.environ['GOMP_SPINCOUNT'], "
        "os.environ['TOKENIZERS_PARALLELISM'], 'torch' in sys.modules, s.CONFIG_LOADER_ARGS['base_env'])"
    )
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "TOKENIZERS_PARALLELISM")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert run.stdout.decode().split() == ["PASSIVE", "0", "false", "False", "base"]


def test_environment_of_the_user_wins() -> None:
    """A value that is already set stays."""
    code = "import os; import codisearch.settings; print(os.environ['OMP_WAIT_POLICY'])"
    environment = {**os.environ, "OMP_WAIT_POLICY": "ACTIVE"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert run.stdout.decode().strip() == "ACTIVE"
