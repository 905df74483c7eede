"""The stand-in service, the prompts and rules that the project ships, and parameters for a small code set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from service import KEY, Service, running_service, service

from codisearch.generators.ledger import Ledger
from codisearch.generators.registry import Generators
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.rules.pair_rules import RuleContext
from codisearch.rules.params import RuleParams

__all__ = ["running_service", "service"]
CONF = Path(__file__).parents[3] / "conf" / "base"
CLASSES = {
    "gemini": "codisearch.generators.gemini.GeminiGenerator",
    "openai": "codisearch.generators.openai_compatible.OpenAICompatibleGenerator",
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the key that the service takes, and switch progress bars off."""
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture(scope="session")
def prompts() -> dict[str, Callable[[], str]]:
    """Return the prompt files as the catalog gives them."""
    return {path.stem: path.read_text for path in (CONF / "prompts").glob("*.md")}


@pytest.fixture(scope="session")
def shipped() -> dict[str, Any]:
    """Return the parameters of the generation that the project ships."""
    content = yaml.safe_load((CONF / "parameters" / "generation.yml").read_text(encoding="utf-8"))
    return dict(content["generation"])


@pytest.fixture(scope="session")
def rules() -> RuleParams:
    """Return the rules that the project ships."""
    content = yaml.safe_load((CONF / "parameters" / "curation.yml").read_text(encoding="utf-8"))["curation"]
    return RuleParams.model_validate({name: content[name] for name in RuleParams.model_fields})


@pytest.fixture(scope="session")
def context(tiny_code_set: pd.DataFrame, rules: RuleParams) -> RuleContext:
    """Return what the rules need, for the tiny code set."""
    return RuleContext.from_code_set(tiny_code_set, rules)


@pytest.fixture(scope="session")
def notes() -> pd.DataFrame:
    """Return what two codes of the tiny code set exclude (`schemas.CODE_NOTES`)."""
    frame = pd.DataFrame({"code": ["E11", "E11.9"]}, dtype="str")
    return frame.assign(excludes=[["type 1 diabetes mellitus (E10.-)"], ["diabetes with kidney disease"]])


@pytest.fixture
def make_params(shipped: dict[str, Any], running_service: Service) -> Callable[..., GenerationParams]:
    """Return a function that makes the shipped parameters, for Gemini at the service, with changes."""

    def make(**changes: Any) -> GenerationParams:
        models = {name: dict(model) for name, model in shipped["models"].items()}
        models["gemini"] |= {"base_url": running_service.address, "timeout_seconds": 1.0}
        models["openai"] |= {"base_url": f"{running_service.address}/v1", "timeout_seconds": 1.0}
        quick = {"first_wait_seconds": 0.0, "longest_wait_seconds": 0.05, "concurrency": 8}
        base = {**shipped, "generator": "gemini", "models": models, "pace": {**shipped["pace"], **quick}}
        base["codes"] = {"which": "billable"}
        for name, value in changes.items():
            base[name] = {**base[name], **value} if isinstance(value, dict) else value
        return GenerationParams.model_validate(base)

    return make


@pytest.fixture
def generators() -> Generators:
    """Return what can be asked."""
    return Generators(CLASSES)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a ledger that is not there yet."""
    return Ledger(tmp_path / "generation" / "ledger.sqlite")
