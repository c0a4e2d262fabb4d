"""Pack the model, serve it, and check that the service answers as the model does; or serve a bundle that is there.

reads     the champion from MLflow's model registry or, while there is none, models/best.onnx and models/training.json;
          data/dataset/yolo/images/test
writes    models/bundle, reports/deploy.json
settings  aws, deploy, endpoint, gate.registered_model, storage.bucket, tracking
"""

from __future__ import annotations

import sys

from stages.common.cli import run
from stages.deploy.commands import arguments

if __name__ == "__main__":
    args = arguments(__doc__)
    sys.exit(run(args.command, args))
