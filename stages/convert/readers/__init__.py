"""Folders that Isaac Sim's writers left, turned into shards; the other way round is in ``stages/convert/formats``."""
