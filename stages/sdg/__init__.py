"""Synthetic frames: planned, rendered, labelled and packed into shards."""
