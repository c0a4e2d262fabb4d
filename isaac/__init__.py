"""What runs inside Isaac Sim: frame plans as USD stages, and their capture.

Isaac's own Python imports this package, so it needs the standard library, numpy and pxr alone, and nothing of
``stages``. pxr and Isaac's modules are imported inside the functions that need them: Isaac must start before the first
``pxr``, and usd-core must never meet Blender's ``pxr`` in one process.
"""
