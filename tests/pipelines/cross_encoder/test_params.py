"""Parameters of the cross-encoder."""

import pytest
from pydantic import ValidationError

from codisearch.pipelines.cross_encoder.params import CrossEncoderParams, FusionGrid, GroupParams


def test_tree_leaves_room_for_the_right_one() -> None:
    """More candidates from the tree than places for wrong ones are refused, just enough are not."""
    assert GroupParams(candidates=3, from_tree=2).from_tree == 2
    with pytest.raises(ValidationError, match="came confusables 0, from_tree 3, candidates 3"):
        GroupParams(candidates=3, from_tree=3)
    with pytest.raises(ValidationError, match="came confusables 1, from_tree 2, candidates 3"):
        GroupParams(candidates=3, confusables=1, from_tree=2)


@pytest.mark.parametrize("values", [{"depths": [0]}, {"weights": [0.0]}, {"weights": [-0.1]}])
def test_grid_holds_no_zero(values: dict[str, list[float]]) -> None:
    """The first stage alone is no entry of the grid: it is always tried."""
    with pytest.raises(ValidationError, match="greater than 0"):
        FusionGrid.model_validate(values)


@pytest.mark.parametrize("name", ["layer", "groups.query", "fusion.weight"])
def test_unknown_key(name: str) -> None:
    """An unknown key is refused at every level."""
    *outer, key = name.split(".")
    values: dict[str, object] = {key: 1}
    for part in outer:
        values = {part: values}
    with pytest.raises(ValidationError, match=r"Extra inputs are not permitted"):
        CrossEncoderParams.model_validate(values)
