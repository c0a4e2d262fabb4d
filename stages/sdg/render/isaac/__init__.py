"""The ``isaac`` renderer's side outside Isaac Sim: starts it, asks for frames, and turns its arrays into passes."""
