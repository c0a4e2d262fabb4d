"""Settings of code of the user's own: files that register randomizers, annotators, formats and more."""

from __future__ import annotations

from pydantic import Field, model_validator

from stages.common.settings.base import Group


class Custom(Group):
    """What of it is used.

    Attributes:
        files: Python files, relative to the project; imported before frames are planned and written. They may register
            anything that has a registry.
        randomizers: that change each plan, in this order.
        annotators: beside ``dataset.frames.annotators``.
        formats: beside ``dataset.convert.formats``.
    """

    name: str
    files: list[str] = Field(default_factory=list)
    randomizers: list[str] = Field(default_factory=list)
    annotators: list[str] = Field(default_factory=list)
    formats: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _sound(self) -> Custom:
        for file in self.files:
            if not file.endswith(".py"):
                raise ValueError(f"custom.files holds '{file}', which is no Python file: let it end in .py")
        return self
