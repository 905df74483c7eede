"""The corpus as a published data set: its checks, its measured quality, its card and its metadata."""
