"""The same detector behind other servers; each is started by benchmarks/serving.py in an environment of its own."""
