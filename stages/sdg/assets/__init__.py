"""Procedural assets: families of things, from a shape number to triangles and materials."""
