"""Photographs in LOCO's layout, made by hand, and a server that hands out files."""

import http.server
import json
import threading
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

NAMES = ("small_load_carrier", "forklift", "pallet", "stillage", "pallet_truck")
NUMBERS = {"small_load_carrier": 3, "forklift": 5, "pallet": 7, "stillage": 10, "pallet_truck": 11}
WIDTH, HEIGHT = 128, 96


def write_photograph(path: Path, width=WIDTH, height=HEIGHT, seed=0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    cv2.imwrite(str(path), pixels)
    return path


def annotation(image, name, bbox, **more):
    return {"image_id": image, "category_id": NUMBERS[name], "bbox": list(bbox), "iscrowd": False, **more}


def loco_json(images, annotations, categories=NAMES):
    """LOCO's own shape of COCO; ``images`` are paths below ``dataset``."""
    return {
        "categories": [{"id": NUMBERS.get(name, 99), "name": name, "supercategory": ""} for name in categories],
        "images": [
            {
                "id": number,
                "dataset_id": 2,
                "path": f"/dataset/{path}",
                "file_name": Path(path).name,
                "width": WIDTH,
                "height": HEIGHT,
            }
            for number, path in enumerate(images, 1)
        ],
        "annotations": [{"id": number, **entry} for number, entry in enumerate(annotations, 1)],
    }


@pytest.fixture
def loco(tmp_path):
    """A folder as LOCO is unpacked: three photographs, one of them in a deeper folder, and one not annotated."""
    root = tmp_path / "loco"
    images = ["subset-1/1564562430367,07.jpg", "subset-2/1564562430367,07.jpg", "subset-3/2019-12-17_10/Cam1/1.2.jpg"]
    for seed, image in enumerate(images):
        write_photograph(root / "dataset" / image, seed=seed)
    write_photograph(root / "dataset/subset-1/unlabelled.jpg")
    content = loco_json(
        images,
        [
            annotation(1, "pallet_truck", (10, 10, 40, 60)),
            annotation(2, "pallet_truck", (12, 10, 40, 60)),
            annotation(2, "pallet", (70, 20, 30, 30)),
            annotation(3, "pallet_truck", (100, 70, 20, 20), iscrowd=True),
        ],
    )
    (root / "rgb").mkdir()
    (root / "rgb/loco-all-v1.json").write_text(json.dumps(content))
    return root


class Handler(http.server.SimpleHTTPRequestHandler):
    """Counts requests, and fails as the test wants."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.server.failures:
            self.send_error(self.server.failures.pop(0))
            return
        super().do_GET()

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def server(tmp_path):
    """An HTTP server of ``tmp_path/served``; ``failures`` are the statuses of its next answers."""
    folder = tmp_path / "served"
    folder.mkdir()
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    made.asked, made.failures, made.folder = [], [], folder
    made.address = f"http://127.0.0.1:{made.server_address[1]}"
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()
