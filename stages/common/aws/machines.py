"""Kinds of machine, as far as requests depend on them."""

from __future__ import annotations

import re

OWN_DISK = re.compile(r"^ml\.(g4dn|g5|g6e?|g7e?|p3dn|p4de?|p5(e|en)?|p6[a-z0-9-]*|trn1n?|trn2|\w+d)\.")


def has_own_disk(instance: str) -> bool:
    """Whether a machine, as ``ml.g5.xlarge``, has disks of its own: SageMaker refuses a key for the volume of these.

    API reference, ``ResourceConfig$VolumeKmsKeyId``, ``TransformResources$VolumeKmsKeyId`` and
    ``CreateEndpointConfig$KmsKeyId``.
    """
    return OWN_DISK.match(instance) is not None
