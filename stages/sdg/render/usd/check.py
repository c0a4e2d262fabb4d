"""Whether a USD file is sound, by OpenUSD's own measure."""

from __future__ import annotations

from pathlib import Path

from stages.common.errors import InputError


def problems(path: Path) -> list[str]:
    """What OpenUSD says against a file: warnings and errors while it is opened, and findings of all its validators.

    The validators are those that ``usdchecker`` runs: ``UsdValidation`` took the place of
    ``UsdUtils.ComplianceChecker`` in OpenUSD 26.

    Args:
        path: of the file.

    Returns:
        Sentences, none for a sound file.

    Raises:
        InputError: when it cannot be opened at all.
    """
    from pxr import Tf, Usd, UsdValidation

    with Tf.DiagnosticTrap() as trap:
        try:
            stage = Usd.Stage.Open(str(path))
        except Tf.ErrorException as error:
            raise InputError(f"{path} cannot be opened as USD ({_short(error)}): export it again") from None
        found = UsdValidation.ValidationContext(UsdValidation.ValidationRegistry().GetOrLoadAllValidators())
        said = [f"{item.GetIdentifier()}: {item.GetMessage()}" for item in found.Validate(stage)]
        noticed = [str(item.commentary) for item in (*trap.GetWarnings(), *trap.GetErrors())]
        trap.Clear()
    return noticed + said


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rpartition(" : ")[2].strip("'") if lines else "no reason given"
