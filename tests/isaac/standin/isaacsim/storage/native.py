import os


def get_assets_root_path(*, skip_check=False):
    root = os.environ.get("STANDIN_ASSETS")
    if not root:
        raise RuntimeError("Could not find assets root folder")
    return root
