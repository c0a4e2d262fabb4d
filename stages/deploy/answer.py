"""Detections as the service writes them."""

from __future__ import annotations

from typing import Any

from stages.common.detection.detector import Detections

ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
"""The one header through which SageMaker lets a client say more than a content type."""


JSON, COCO = "application/json", "application/vnd.coco+json"
"""Content types of an answer: the service's own, and COCO's list of results."""


def answer(found: Detections, names: tuple[str, ...], width: int, height: int, model: str) -> dict[str, Any]:
    """The body of a response.

    Args:
        found: in pixels of the upright picture.
        names: of the classes.
        width: of the upright picture in pixels.
        height: likewise.
        model: SHA-256 of the model.

    Returns:
        ``detections`` (best first, each with ``category_name``, ``bbox`` as x, y, width, height in pixels of the
        upright picture, and ``score``), ``width``, ``height``, ``model``. Floats keep every digit.
    """
    return {
        "detections": [
            {
                "category_name": names[number],
                "bbox": [left, top, right - left, bottom - top],
                "score": score,
            }
            for (left, top, right, bottom), score, number in zip(
                found.xyxy.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True
            )
        ],
        "width": width,
        "height": height,
        "model": model,
    }


def coco_results(found: Detections, image: int) -> list[dict[str, Any]]:
    """Detections as COCO's results, as pycocotools' ``loadRes`` takes them.

    Args:
        found: in pixels of the upright picture.
        image: ``image_id`` that the client gave.

    Returns:
        Best first, each with ``image_id``, ``category_id`` (from 1 in the order of the model's names, as ``convert``
        numbers them), ``bbox`` and ``score``.
    """
    return [
        {
            "image_id": image,
            "category_id": number + 1,
            "bbox": [left, top, right - left, bottom - top],
            "score": score,
        }
        for (left, top, right, bottom), score, number in zip(
            found.xyxy.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True
        )
    ]
