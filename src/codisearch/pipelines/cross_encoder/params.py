"""Parameters of the cross-encoder's training."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from codisearch.retrieval.encoder import EncoderSpec


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GroupParams(_Strict):
    """Listwise groups.

    Attributes:
        queries: Upper limit of the training queries that get a group, drawn evenly over languages; null: all.
        candidates: Size of a group, its right answer among them.
        from_tree: How many of the wrong ones come from the code tree rather than from the first stage's top ranks.
        depth: How far down the first stage's ranks wrong candidates are taken from.
        max_score_ratio: A candidate whose first-stage score is above this share of the right answer's is left out as
            probably right as well.
    """

    queries: int | None = Field(default=2_000, ge=1)
    candidates: int = Field(default=8, ge=2)
    from_tree: int = Field(default=2, ge=0)
    depth: int = Field(default=30, ge=1)
    max_score_ratio: float = Field(default=1.0, gt=0)


class FusionGrid(_Strict):
    """What the second stage's depth and weight are chosen from, on validation.

    Attributes:
        depths: Reranking depths.
        weights: Weights; 0, the first stage alone, is always among them.
        queries: Upper limit of the validation queries.
        tolerance: How far a language's recall@5 or MRR may fall below the first stage's.
    """

    depths: tuple[int, ...] = (10, 20)
    weights: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.8)
    queries: int = Field(default=600, ge=1)
    tolerance: float = Field(default=0.0, ge=0)


class CrossEncoderParams(_Strict):
    """All that decides the cross-encoder.

    Attributes:
        seed: Seeds data order and new weights.
        encoder: The transformer that it starts from.
        layers: How many of its first layers are kept; null: all.
        groups: The listwise groups.
        loss: Listwise loss.
        batch_size: Groups in a batch.
        learning_rate: Peak learning rate, after a linear warm-up.
        epochs: Passes over the groups.
        max_steps: Upper limit of the steps; null: none.
        max_length: Longest pair of query and document, in sub-words.
        fusion: What depth and weight are chosen from.
    """

    seed: int = 7
    encoder: EncoderSpec = EncoderSpec()
    layers: int | None = Field(default=3, ge=1)
    groups: GroupParams = GroupParams()
    loss: Literal["lambda", "list_net", "p_list_mle"] = "list_net"
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    epochs: int = Field(default=1, ge=1)
    max_steps: int | None = Field(default=None, ge=1)
    max_length: int = Field(default=64, ge=16)
    fusion: FusionGrid = FusionGrid()
