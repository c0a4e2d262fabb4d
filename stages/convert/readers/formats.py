"""Names of the formats that can be read; apart from the readers, so that ``--help`` stays instant."""

FORMATS = ("auto", "basic_writer", "kitti_writer", "coco_writer", "recorder")
"""The Synthetic Data Recorder writes what BasicWriter writes."""
