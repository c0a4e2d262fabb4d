"""Frames to the formats that trainers read."""
