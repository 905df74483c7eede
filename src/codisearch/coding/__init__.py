"""Codes files of clinical phrases: rows in, rows with codes out, in batches that can be resumed."""
