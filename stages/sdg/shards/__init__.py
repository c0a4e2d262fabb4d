"""Frames on disk: deterministic tar shards, their manifest, and the reader of both."""

from stages.sdg.shards.manifest import Manifest, Shard, read_manifest
from stages.sdg.shards.reader import ShardFrame, read_frame, read_frames, read_plans

__all__ = ["Manifest", "Shard", "ShardFrame", "read_frame", "read_frames", "read_manifest", "read_plans"]
