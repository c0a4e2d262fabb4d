"""What a job leaves: ``model.tar.gz``."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path

from stages.common.errors import TrainingError
from stages.common.files import replaced_folder
from stages.train.contract import BEST, RESULT

LIMIT = 2 * 2**30
"""Bytes of a member, at most; the largest network that can be trained has a tenth."""


def unpack_model(archive: Path, folder: Path) -> None:
    """Unpack the two files that are ours, whole or not at all; others are passed over.

    Raises:
        TrainingError: when the archive is damaged or lacks one of them.
    """
    wanted = {BEST, RESULT}
    try:
        with replaced_folder(folder) as partial, tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if name in wanted and member.isfile() and member.size <= LIMIT:
                    content = tar.extractfile(member)
                    assert content is not None
                    with open(partial / name, "wb") as stream:
                        shutil.copyfileobj(content, stream, 1 << 20)
                    wanted.discard(name)
            if wanted:
                raise TrainingError(
                    f"'{archive.name}' of the job lacks {' and '.join(sorted(wanted))}: look into its log, then train "
                    "again"
                )
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise TrainingError(
            f"'{archive.name}' of the job is damaged ({type(error).__name__}): fetch it again with `dvc repro train`"
        ) from error
