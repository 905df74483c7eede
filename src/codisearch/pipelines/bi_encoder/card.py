"""The model card of the bi-encoder."""

from collections.abc import Mapping
from typing import Any

_CARD = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
language: [en, es, ca, it, pt, fr]
license: apache-2.0
tags: [icd-10-cm, clinical-coding, retrieval]
---

# Bi-encoder for ICD-10-CM codes: {chosen}

Turns a clinical phrase in English, Spanish, Catalan, Italian, Portuguese or French, and the titles of
ICD-10-CM codes, into vectors that lie close together when the code answers the phrase.

- **Start:** `{source}`, used as {kind}.
- **Learned from:** {groups}.
- **Loss:** cached multiple negatives ranking, both directions, in-batch negatives and one hard negative from
  the code tree; no code stands twice in a batch.
- **Training:** {training}; seed {seed}; {seconds:.0f} s.
- **Validation** ({queries} queries against {documents} codes): {candidates}.

## Intended use and limits
For suggesting codes to a person who knows how to code. The queries that it learned from were written by a
large language model and not verified by clinicians. Not for billing or clinical decisions without review.
"""


def write_card(facts: Mapping[str, Any]) -> str:
    """Return the card, Markdown, from the facts of a training."""
    return _CARD.format(
        chosen=facts["chosen"],
        source=facts["encoder"]["source"],
        kind={"static": "a static embedding", "transformer": "a transformer"}[facts["encoder"]["kind"]],
        groups=", ".join(f"{count} {source}" for source, count in facts["groups"].items()),
        training=", ".join(f"{name} {value}" for name, value in facts["training"].items() if name != "name"),
        seed=facts["seed"],
        seconds=facts["seconds"],
        queries=facts["validation"]["queries"],
        documents=facts["validation"]["documents"],
        candidates="; ".join(
            f"{c['encoder']} recall@5 {c['recall@5_untuned']:.3f} -> {c['recall@5']:.3f}"
            for c in facts["candidates"]
        ),
    )
