"""Benchmarks: programs that print measurements, side by side with other tools where there are any."""
