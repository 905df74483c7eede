"""What ranks codes for a query: encoders, lexical systems, index, fusion, reranker, bundle. Knows no Kedro."""
