"""One push of a training channel in a process of its own, as ``aws s3 sync`` is one.

    python -m benchmarks.channel_push TREE CACHE BUCKET PREFIX ENDPOINT

Prints the names of the requests that were made.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from stages.common.aws.objects import Objects
from stages.common.storage import Place
from stages.push.channel import push_channel

SHARD_BYTES = 64 * 2**20


def main() -> None:
    tree, cache, bucket, prefix, endpoint = sys.argv[1:]
    objects = Objects(Place(bucket, prefix, endpoint))
    calls: list[str] = []
    objects._client.meta.events.register("before-call.s3.*", lambda model, **_: calls.append(model.name))
    push_channel(Path(tree), objects, Path(cache), SHARD_BYTES)
    print(json.dumps(calls))


if __name__ == "__main__":
    main()
