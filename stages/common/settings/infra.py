"""Settings of what is made once in an AWS account."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from stages.common.settings.base import Group

Repository = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9-]+/[A-Za-z0-9._-]+)?$")]
Numbers = Annotated[str, StringConstraints(pattern=r"^([0-9]+/[0-9]+)?$")]
Provider = Annotated[
    str,
    StringConstraints(
        pattern=r"^(arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/token\.actions\.githubusercontent\.com)?$"
    ),
]
Mlflow = Annotated[
    str, StringConstraints(pattern=r"^(none|managed|arn:aws[a-z-]*:sagemaker:.+:mlflow-(tracking-server|app)/.+)$")
]


Folder = Annotated[str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^*?\s]+/)?$")]
"""Of S3, with a slash at its end."""


class Infra(Group):
    """Parameters of ``infra/stack.yaml`` beside those of ``aws`` and ``storage``.

    Attributes:
        github: ``OWNER/REPOSITORY`` whose workflows may use the account; empty: none.
        github_ids: their numbers, ``OWNER_ID/REPOSITORY_ID``, which GitHub's tokens name, too, in repositories made
            since July 2026.
        oidc_provider: ARN of the account's identity provider for GitHub, of which there can be one; empty: it is made.
        mlflow: ``managed`` makes a SageMaker tracking server; an ARN lets the roles use that one; ``none`` neither.
        sign_images: the registry signs what is pushed; there is one signing configuration an account and region.
        readable: folders of pictures in S3 that batch jobs and asynchronous endpoints may read, beside those of the
            project.
        keep_days: days that captured requests, checkpoints and overwritten objects are kept.
        budget_usd: a month, of which 50 and 90 percent and a forecast above it are told by mail; 0: no budget.
        budget_email: who is told.
        budget_scope: ``account`` counts everything, ``project`` what is tagged, once the tag is activated.
    """

    name: str
    github: Repository = ""
    github_ids: Numbers = ""
    oidc_provider: Provider = ""
    mlflow: Mlflow = "none"
    sign_images: bool = True
    readable: list[Folder] = Field(default_factory=list)
    keep_days: int = Field(30, ge=1, le=3650)
    budget_usd: int = Field(0, ge=0)
    budget_email: str = ""
    budget_scope: Literal["account", "project"] = "account"

    @model_validator(mode="after")
    def _complete(self) -> Infra:
        if bool(self.budget_usd) != bool(self.budget_email):
            raise ValueError("infra.budget_usd and infra.budget_email go together: give both, or neither")
        if self.github and not self.github_ids:
            raise ValueError(
                "infra.github_ids is empty: give the numbers of infra.github as OWNER_ID/REPOSITORY_ID, since GitHub's "
                "tokens may name them"
            )
        return self
