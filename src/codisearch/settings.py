"""Kedro project settings."""

import os

from codisearch.hooks import ClosingTableHooks, GenerationHooks

# Torch's idle threads spin and starve whatever else runs; passive waiting must be set before torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# MLflow reports its use to its makers unless told not to, before it loads.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

HOOKS = (GenerationHooks(), ClosingTableHooks())
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # An environment names only what differs: dictionaries are merged, not replaced.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft"},
}
