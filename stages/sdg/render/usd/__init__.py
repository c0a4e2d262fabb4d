"""Generated assets as USD files, and frames as stages that reference them.

For a process without bpy: usd-core and Blender bring two copies of the same libraries, which crash when they meet.
"""
