"""What a ranking is worth: scores of queries, their means, intervals, tests and other summaries."""
