import os

from isaacsim import QUIRKS


def get_assets_root_path(*, skip_check=False):
    root = os.environ.get("STANDIN_ASSETS")
    if not root and QUIRKS.get("assets_root_is_none"):
        return None
    if not root:
        raise RuntimeError("Could not find assets root folder")
    return root
