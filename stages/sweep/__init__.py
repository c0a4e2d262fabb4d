"""A search over settings: trials of the pipeline, each in a folder and an MLflow run of its own."""
