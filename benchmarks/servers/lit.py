"""LitServe: it decodes every raw body as JSON, so the picture comes as a form's file; two workers."""

import sys
from typing import Any

import litserve


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:
        from benchmarks.servers.pipeline import Pipeline

        self.pipeline = Pipeline()

    def decode_request(self, request):  # type: ignore[no-untyped-def]  # its annotation would change what it is
        return bytes(request["content"].file.read())

    def predict(self, data: bytes) -> dict[str, Any]:
        return self.pipeline(data)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", devices=1, workers_per_device=2, timeout=60)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error")
