"""One photograph, or the mesh that some tool made of it, into an object of the catalogue."""
