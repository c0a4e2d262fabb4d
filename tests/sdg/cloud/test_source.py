"""What of a checkout travels to a host."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from stages.sdg.cloud.source import pack_source


def test_sources_and_own_objects_travel_and_secrets_do_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("assets/*.usdc\nignored.txt\n")
    travelling = {".gitignore", "stages/new.py", "assets/own.usdc", "conf/environment.yaml"}
    staying = {
        ".env", ".env.local", "deploy/.env", "ca.pem", "conf/host.key", "assets/host.key", "ignored.txt", "data/a.tar",
    }  # fmt: skip
    for name in (travelling | staying) - {".gitignore"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    packed = pack_source(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert set(archive.getnames()) == travelling
    (tmp_path / "stages" / "new.py").touch()
    assert pack_source(tmp_path) == packed
