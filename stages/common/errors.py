"""Every error a user can meet, as one tree.

    StageError                 a sentence for the user; anything else is a bug and shows its traceback
      SettingsError            a setting is unknown, of the wrong type, out of range, or clashes with another
      InputError               a file or dataset given by the user is missing, unreadable or malformed
        SparseError            it is well, but holds too little to judge by (deploy drift)
      RenderError              a frame could not be rendered
      StorageError             object storage or the DVC remote refused, is missing or does not answer
      TrainingError            training cannot start or go on
      ServiceError             a server or endpoint did not start or answered wrongly
        UnwellError            it was looked at, and does not serve as it should (deploy status --check)
      GateError              the gate keeps a model out, or the model registry lacks or refuses what is asked of it
      TrialError               a stage of a sweep's trial failed (stages/sweep)
      MissingDependencyError   a system library, program or Python package is not installed

Every message is one sentence that names the thing and ends with the next step.
"""

from __future__ import annotations


class StageError(Exception):
    """Base of all errors that are the user's to mend; the command line prints it without traceback.

    Attributes:
        exit_code: process exit status that the command line uses for it.
    """

    exit_code = 1


class SettingsError(StageError):
    """A setting is unknown, mistyped, out of range or impossible beside another one.

    Attributes:
        sentences: one for each mistake, since they are best mended together.
    """

    exit_code = 2

    def __init__(self, *sentences: str) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences


class InputError(StageError):
    """A file or dataset that the user gave is missing, unreadable or malformed."""

    exit_code = 3


class SparseError(InputError):
    """What was given is well, but too little of it is there to judge by; more may come."""

    exit_code = 12


class RenderError(StageError):
    """One or more frames could not be rendered."""

    exit_code = 4


class StorageError(StageError):
    """Object storage or the DVC remote refused, is missing or does not answer."""

    exit_code = 5


class TrainingError(StageError):
    """Training cannot start or go on."""

    exit_code = 6


class ServiceError(StageError):
    """A server or endpoint did not start, or its answers differ from the model's."""

    exit_code = 7


class UnwellError(ServiceError):
    """An endpoint was looked at and does not serve as it should; that it could not be looked at is a ServiceError."""

    exit_code = 11


class MissingDependencyError(StageError):
    """A system library, program or Python package is not installed."""

    exit_code = 8


class GateError(StageError):
    """The gate keeps a model out, or the model registry lacks or refuses what is asked of it."""

    exit_code = 9
