"""What a frame shows, before anything is rendered."""
