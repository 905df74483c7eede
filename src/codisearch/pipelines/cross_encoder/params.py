"""Parameters of the cross-encoder's training."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from codisearch.retrieval.encoder import EncoderSpec

Kind = Literal["transformer", "interaction"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GroupParams(_Strict):
    """Listwise groups.

    Attributes:
        queries: Upper limit of the training queries that get a group, drawn evenly over languages; null: all.
        candidates: Size of a group, its right answer among them.
        confusables: How many of the wrong ones come from the list of confusable codes, where there are any.
        from_tree: How many of the wrong ones come from the code tree rather than from the top ranks of the
            first stage.
        depth: How far down the first stage's ranks wrong candidates are taken from.
        max_score_ratio: A candidate from the top ranks whose score is above this share of the right answer's
            is left out as probably right as well.
    """

    queries: int | None = Field(default=2_000, ge=1)
    candidates: int = Field(default=8, ge=2)
    confusables: int = Field(default=0, ge=0)
    from_tree: int = Field(default=2, ge=0)
    depth: int = Field(default=30, ge=1)
    max_score_ratio: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _right_one_has_room(self) -> Self:
        if self.confusables + self.from_tree >= self.candidates:
            raise ValueError(
                "confusables and from_tree together must be below candidates, which counts the right one "
                f"too: came confusables {self.confusables}, from_tree {self.from_tree}, "
                f"candidates {self.candidates}."
            )
        return self


class InteractionParams(_Strict):
    """Network and training of an interaction cross-encoder.

    Attributes:
        hidden: Units of the layer that judges how the words of both sides match.
        dropout: Share of inputs dropped in training.
        max_words: Words of a text that are read.
        freeze_words: Whether the bi-encoder's word vectors stay as they are.
        batch_size: Groups in a batch.
        learning_rate: Peak learning rate, after a linear warm-up.
        epochs: Passes over the groups.
    """

    hidden: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    max_words: int = Field(default=24, ge=1)
    freeze_words: bool = True
    batch_size: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=3e-3, gt=0)
    epochs: int = Field(default=4, ge=1)


class FusionGrid(_Strict):
    """What the second stage's depth and weight are chosen from, on validation.

    Attributes:
        depths: Reranking depths, 1 or more.
        weights: Weights above 0; the first stage alone is always tried as well.
        queries: Upper limit of the validation queries.
        tolerance: How far a language's recall@5 or MRR may fall below the first stage's.
    """

    depths: tuple[PositiveInt, ...] = (10, 20)
    weights: tuple[PositiveFloat, ...] = (0.05, 0.1, 0.2, 0.4, 0.8)
    queries: int = Field(default=600, ge=1)
    tolerance: float = Field(default=0.0, ge=0)


class CrossEncoderParams(_Strict):
    """All that decides the cross-encoder.

    Attributes:
        seed: Seeds data order and new weights.
        kind: `transformer`, or `interaction`, which reads the word vectors of a static bi-encoder. Where the
            bi-encoder is a transformer, the cross-encoder is one as well.
        groups: The listwise groups.
        loss: Listwise loss.
        interaction: Interaction only: its network and training.
        encoder: Transformer only, as all that follow but `fusion`: what it starts from.
        layers: How many of its first layers are kept; null: all.
        batch_size: Groups in a batch.
        learning_rate: Peak learning rate, after a linear warm-up.
        epochs: Passes over the groups.
        max_steps: Upper limit of the steps; null: none.
        max_length: Longest pair of query and document, in sub-words.
        fusion: What depth and weight are chosen from.
    """

    seed: int = 7
    kind: Kind = "transformer"
    groups: GroupParams = GroupParams()
    loss: Literal["lambda", "list_net", "p_list_mle"] = "list_net"
    interaction: InteractionParams = InteractionParams()
    encoder: EncoderSpec = EncoderSpec()
    layers: int | None = Field(default=3, ge=1)
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    epochs: int = Field(default=1, ge=1)
    max_steps: int | None = Field(default=None, ge=1)
    max_length: int = Field(default=64, ge=16)
    fusion: FusionGrid = FusionGrid()
