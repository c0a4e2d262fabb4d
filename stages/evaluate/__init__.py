"""Measuring a detector on held-out renders and on real photographs."""
