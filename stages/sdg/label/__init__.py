"""What is seen in a frame, from the passes of any renderer."""
