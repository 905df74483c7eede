"""The dataset of the embedding cache."""

from pathlib import Path

import numpy as np
import pytest
from kedro.io import DatasetError

from codisearch.datasets.embedding_cache import EmbeddingCacheDataset


def test_nodes_read_and_add(tmp_path: Path) -> None:
    """What one load of the cache has kept, the next one knows."""
    dataset = EmbeddingCacheDataset(str(tmp_path / "vectors"), metadata={"layer": "models"})
    assert dataset.exists()
    assert (
        dataset.load().vectors("m", ["asma"], lambda texts: np.ones((len(texts), 2), np.float32)).encoded == 1
    )
    again = dataset.load().vectors("m", ["asma"], lambda texts: np.zeros((len(texts), 2), np.float32))
    assert (again.encoded, again.vectors.tolist()) == (0, [[1.0, 1.0]])
    assert dataset.metadata == {"layer": "models"}
    assert str(tmp_path / "vectors") in str(dataset)


def test_it_is_no_output(tmp_path: Path) -> None:
    """A node cannot save it, and nothing is written."""
    with pytest.raises(DatasetError, match="is not an output of a node"):
        EmbeddingCacheDataset(str(tmp_path / "vectors")).save("anything")
    assert not (tmp_path / "vectors").exists()
