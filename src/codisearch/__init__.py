"""codisearch: the ICD-10-CM code of a clinical phrase, in six languages."""

__version__ = "0.1.0"
