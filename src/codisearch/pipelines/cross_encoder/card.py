"""The model card of the cross-encoder."""

from collections.abc import Mapping
from typing import Any

_CARD = """---
library_name: sentence-transformers
pipeline_tag: text-ranking
language: [en, es, ca, it, pt, fr]
license: apache-2.0
tags: [icd-10-cm, clinical-coding, reranking]
---

# Cross-encoder for ICD-10-CM codes

Reads a clinical phrase and a candidate code's title together and says how well they fit; the second stage
after the bi-encoder.

- **Start:** {start}.
- **Learned from:** {groups} listwise groups; candidates by origin: {origins}.
- **Loss:** {loss}; {training}; {pairs} pairs in {seconds} s.
- **Fusion** chosen on {validation_queries} validation queries: depth {depth}, weight {weight}, the best that
  made no language worse than the bi-encoder alone.

## Intended use and limits
For ordering suggestions to a person who knows how to code. The queries that it learned from were written by a
large language model and not verified by clinicians. Not for billing or clinical decisions without review.
"""


_STARTS = {
    "transformer": "`{source}`, first {layers} layers",
    "interaction": "the word vectors of the bi-encoder, which codisearch's `WordInteraction` compares",
}


def write_card(facts: Mapping[str, Any]) -> str:
    """Return the card, Markdown, from the facts of a training."""
    return _CARD.format(
        start=_STARTS[facts["kind"]].format(
            source=facts["encoder"]["source"], layers=facts["layers"] or "all"
        ),
        groups=facts["groups"],
        origins=", ".join(f"{count} {origin}" for origin, count in facts["origins"].items()),
        loss=facts["loss"],
        training=", ".join(f"{name} {value}" for name, value in facts["training"].items()),
        pairs=facts["pairs"],
        seconds=facts["seconds"],
        validation_queries=facts["validation_queries"],
        depth=facts["fusion"]["depth"],
        weight=facts["fusion"]["weight"],
    )
