"""The stages of the recipe, a Kedro pipeline each."""
