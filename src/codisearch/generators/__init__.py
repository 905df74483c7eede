"""What writes rows: clients of language models, the ledger of what they were asked, pace and budget."""
