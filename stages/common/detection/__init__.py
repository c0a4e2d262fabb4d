"""Running an exported detector, and matching what it found with what is there; shared by train, evaluate, deploy."""

from stages.common.detection.detector import Detections, Detector
from stages.common.detection.matching import Matches, OperatingPoint, Truth, best_f1_threshold, iou_matrix, match
from stages.common.detection.pictures import decode_picture, read_picture

__all__ = [
    "Detections",
    "Detector",
    "Matches",
    "OperatingPoint",
    "Truth",
    "best_f1_threshold",
    "decode_picture",
    "iou_matrix",
    "match",
    "read_picture",
]
