"""FHIR R4 terminology over the code set of a bundle."""
