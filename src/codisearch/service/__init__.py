"""The service: one process with an HTTP API, FHIR terminology and a page. Knows no Kedro and no MLflow."""
