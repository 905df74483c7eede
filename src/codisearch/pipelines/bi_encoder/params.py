"""Parameters of the bi-encoder's training."""

from pydantic import BaseModel, ConfigDict, Field

from codisearch.retrieval.encoder import EncoderSpec


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainingDataParams(_Strict):
    """What the encoder learns from.

    Attributes:
        corpus_repeats: How often a query of the corpus stands in an epoch, beside the pairs of the code set.
        code_set_pairs: Whether inclusion terms, index entries and national titles are learned too.
        title_noise: Share of the words that are left out of an official title to make a query of it; 0: none.
        title_noise_codes: How many codes' titles are used so.
        listed_negatives: Share of the queries whose hard negative is a listed confusable code, where there is
            one, rather than a neighbour in the tree.
        sample: Upper limit of the pairs of the code set, for quick runs; null takes all.
    """

    corpus_repeats: int = Field(default=3, ge=1)
    code_set_pairs: bool = True
    title_noise: float = Field(default=0.3, ge=0, lt=1)
    title_noise_codes: int = Field(default=40_000, ge=0)
    listed_negatives: float = Field(default=0.5, ge=0, le=1)
    sample: int | None = Field(default=None, ge=1)


class ValidationParams(_Strict):
    """The retrieval task that early stopping and the choice between candidates look at.

    Attributes:
        documents: How many codes' titles are ranked: all those of the queries, their neighbours in the tree,
            and others by chance up to this number.
        neighbours: How many neighbours of each relevant code are among them.
        queries: Upper limit of the validation queries, stratified by language.
    """

    documents: int = Field(default=20_000, ge=10)
    neighbours: int = Field(default=20, ge=0)
    queries: int = Field(default=600, ge=1)


class CandidateParams(_Strict):
    """One encoder to train, and how.

    Attributes:
        name: What the report calls it.
        encoder: Where it starts from.
        batch_size: Queries that share in-batch negatives.
        mini_batch_size: Of which so many go through the encoder at once (memory, not result).
        learning_rate: Peak learning rate, after a linear warm-up.
        epochs: Passes over the data.
        max_steps: Upper limit of the steps, which keeps a slow candidate within the time that there is; null:
            none.
        evaluations: How often validation looks at it.
        patience: Evaluations without a gain after which training stops.
        scale: Inverse temperature of the loss.
    """

    name: str
    encoder: EncoderSpec
    batch_size: int = Field(default=1024, ge=2)
    mini_batch_size: int = Field(default=1024, ge=1)
    learning_rate: float = Field(default=5e-3, gt=0)
    epochs: int = Field(default=4, ge=1)
    max_steps: int | None = Field(default=None, ge=1)
    evaluations: int = Field(default=4, ge=1)
    patience: int = Field(default=2, ge=1)
    scale: float = Field(default=20.0, gt=0)


class BiEncoderParams(_Strict):
    """All that decides the bi-encoder.

    Attributes:
        seed: Seeds data order, word drop-out and initial vectors.
        data: What it learns from.
        validation: What it is chosen by.
        candidates: Encoders to train; the one that finds most on validation becomes `bi_encoder`.
    """

    seed: int = 7
    data: TrainingDataParams = TrainingDataParams()
    validation: ValidationParams = ValidationParams()
    candidates: tuple[CandidateParams, ...] = Field(min_length=1)
