"""Whether a renderer agrees with the Blender backend: three known plans, box by box and mask by mask."""
