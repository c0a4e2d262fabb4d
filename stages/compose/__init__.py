"""compose: from the groups in ``conf/`` to one checked ``params.yaml``."""
