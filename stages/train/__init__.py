"""A detector from the training frames."""
