"""The ``blender`` renderer; bpy is imported when it starts, not before."""
