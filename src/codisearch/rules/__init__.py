"""The rules that a pair must pass, for generation, curation and the check of the corpus alike."""
