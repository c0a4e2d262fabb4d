"""The user's own objects: files of other programs, read once into what procedural families make."""
