"""A CloudFormation stack: change sets, waiting, and what went wrong in one sentence."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from stages.common.aws.session import code_of, told
from stages.common.errors import ServiceError

SLOWEST = 1800
"""Seconds after which a change that does not end is left alone; CloudFormation itself goes on with it."""

PAUSE = 3.0
"""Seconds between two looks at a stack."""

UNCHANGED = ("didn't contain changes", "No updates are to be performed")
"""What CloudFormation says in a failed change set that would change nothing."""

KEEPS_DATA = ("Bucket", "Registry", "ServeRegistry", "MlflowServer")
"""Resources of the template whose replacement loses what they hold."""


@dataclass(frozen=True)
class Change:
    """What a change set does to one resource.

    Attributes:
        action: ``Add``, ``Modify``, ``Remove``, ``Import`` or ``Dynamic``.
        name: in the template.
        kind: such as ``AWS::S3::Bucket``.
        replacement: it is made anew: ``True``, ``False`` or ``Conditional``; empty where that cannot be.
        properties: that change.
    """

    action: str
    name: str
    kind: str
    replacement: str = ""
    properties: tuple[str, ...] = ()

    @property
    def loses(self) -> bool:
        """Whether what the resource holds may be lost, or be left behind without an owner."""
        return self.name in KEEPS_DATA and (self.action == "Remove" or self.replacement in ("True", "Conditional"))

    def __str__(self) -> str:
        """One line of ``diff``."""
        how = {"True": ", made anew", "Conditional": ", perhaps made anew"}.get(self.replacement, "")
        what = f" ({', '.join(self.properties)}{how})" if self.properties or how else ""
        return f"{self.action.lower():7} {self.name} {self.kind}{what}"


@dataclass(frozen=True)
class ChangeSet:
    """A question to CloudFormation, and its answer.

    Attributes:
        name: of the change set.
        changes: what it would do; empty when nothing differs.
    """

    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Stack:
    """A stack and the client to ask.

    Attributes:
        cloudformation: boto3's client.
        name: of the stack.
        pause: seconds between two looks.
        say: takes one line of progress.
    """

    cloudformation: Any
    name: str
    pause: float = PAUSE
    say: Callable[[str], None] = field(default=lambda _line: None)

    def describe(self) -> dict[str, Any] | None:
        """The stack as CloudFormation has it; None when there is none.

        Raises:
            StageError: when AWS does not answer, or refuses.
        """
        with told(f"stack '{self.name}'"):
            try:
                stack: dict[str, Any] = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
            except self.cloudformation.exceptions.ClientError as error:
                if code_of(error) == "ValidationError" and "does not exist" in str(error):
                    return None
                raise
        return stack

    def state(self) -> str:
        """Its status; empty when there is none."""
        found = self.describe()
        return str(found["StackStatus"]) if found else ""

    def outputs(self) -> dict[str, str]:
        """Outputs by name."""
        return {item["OutputKey"]: item["OutputValue"] for item in (self.describe() or {}).get("Outputs", [])}

    def settle(self) -> str:
        """Wait until nobody changes the stack, and clear away a first try that failed; the status then.

        Raises:
            ServiceError: when the stack is stuck in a way that a person has to end.
        """
        state = self.wait()
        if state in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):  # made nothing: only removal is allowed
            self.say(f"stack '{self.name}' failed when it was made and is made anew")
            return self.delete()
        if state == "UPDATE_ROLLBACK_FAILED":
            raise ServiceError(
                f"stack '{self.name}' is stuck in {state} ({self.failure()}): mend that, then run aws cloudformation "
                f"continue-update-rollback --stack-name {self.name}"
            )
        return state

    @contextmanager
    def change_set(self, **request: Any) -> Iterator[ChangeSet]:
        """Ask for a change and remove the question afterwards, with the empty stack that a first question makes.

        Args:
            request: of CreateChangeSet, but names and type.

        Yields:
            What would change, for :meth:`execute`.

        Raises:
            StageError: when CloudFormation refuses.
        """
        first = self.state() in ("", "REVIEW_IN_PROGRESS")
        name = f"change-{uuid.uuid4().hex[:12]}"
        with told(f"stack '{self.name}'"):
            self.cloudformation.create_change_set(
                StackName=self.name, ChangeSetName=name, ChangeSetType="CREATE" if first else "UPDATE", **request
            )
        try:
            yield ChangeSet(name, tuple(self._changes(name)))
        finally:
            with told(f"stack '{self.name}'"):
                if self.state() == "REVIEW_IN_PROGRESS":
                    self.cloudformation.delete_stack(StackName=self.name)
                elif self.state():
                    self._forget(name)

    def _forget(self, name: str) -> None:
        try:
            self.cloudformation.delete_change_set(StackName=self.name, ChangeSetName=name)
        except self.cloudformation.exceptions.ClientError as error:
            # one that was executed is gone already
            if code_of(error) not in ("ChangeSetNotFound", "InvalidChangeSetStatus"):
                raise

    def _changes(self, name: str) -> list[Change]:
        def look() -> dict[str, Any]:
            answer: dict[str, Any] = self.cloudformation.describe_change_set(StackName=self.name, ChangeSetName=name)
            return answer

        with told(f"stack '{self.name}'"):
            answer = look()
            while answer["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                time.sleep(self.pause)
                answer = look()
            if answer["Status"] == "FAILED":
                reason = answer.get("StatusReason", "no reason given")
                if any(words in reason for words in UNCHANGED):
                    return []
                raise ServiceError(
                    f"stack '{self.name}' cannot be changed ({reason}): correct infra/stack.yaml or settings"
                )
            found = list(answer["Changes"])
            while answer.get("NextToken"):
                answer = self.cloudformation.describe_change_set(
                    StackName=self.name, ChangeSetName=name, NextToken=answer["NextToken"]
                )
                found += answer["Changes"]
        return [_change(item["ResourceChange"]) for item in found]

    def execute(self, change_set: ChangeSet) -> None:
        """Make the changes, and wait.

        Raises:
            ServiceError: with the first thing that failed; CloudFormation has undone the rest.
        """
        with told(f"stack '{self.name}'"):
            self.cloudformation.execute_change_set(StackName=self.name, ChangeSetName=change_set.name)
        state = self.wait()
        if state not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
            raise ServiceError(
                f"stack '{self.name}' ended as {state or 'removed'} ({self.failure()}): nothing was changed; correct "
                "that, then run up again"
            )

    def delete(self) -> str:
        """Remove the stack and wait; the status then, empty when it is gone.

        Raises:
            ServiceError: when something in it cannot be removed.
        """
        found = self.describe()
        if found is None:
            return ""
        # by its id: a stack that is gone is found only so, with what happened to it
        stack = Stack(self.cloudformation, found["StackId"], self.pause, self.say)
        with told(f"stack '{self.name}'"):
            self.cloudformation.delete_stack(StackName=self.name)
        state = stack.wait()
        if state not in ("", "DELETE_COMPLETE"):
            raise ServiceError(
                f"stack '{self.name}' cannot be removed ({stack.failure()}): mend that, then run down again"
            )
        return ""

    def wait(self) -> str:
        """Wait until nothing is in progress, telling what happens; the status then.

        Raises:
            ServiceError: when that takes longer than half an hour.
        """
        state, end, told_of = self.state(), time.monotonic() + SLOWEST, ""
        while state.endswith("_IN_PROGRESS") and state != "REVIEW_IN_PROGRESS":
            if state != told_of:
                self.say(f"stack '{self.name}': {state}")
                told_of = state
            if time.monotonic() > end:
                raise ServiceError(f"stack '{self.name}' is still {state}: look at it with status, then try again")
            time.sleep(self.pause)
            state = self.state()
        return state

    def failure(self) -> str:
        """What failed first since the last change began: the resource and AWS's reason."""
        reason = "no event says why"
        with told(f"stack '{self.name}'"):
            for page in self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.name):
                for event in page["StackEvents"]:  # the newest first
                    status, why = event["ResourceStatus"], event.get("ResourceStatusReason", "")
                    if status.endswith("_FAILED") and "cancelled" not in why:
                        reason = f"{event['LogicalResourceId']}: {' '.join(why.split())}"
                    if event["ResourceType"] == "AWS::CloudFormation::Stack" and why == "User Initiated":
                        return reason
        return reason


def _change(item: dict[str, Any]) -> Change:
    names = {detail["Target"]["Name"] for detail in item.get("Details", []) if detail.get("Target", {}).get("Name")}
    kind, replacement = item["ResourceType"], item.get("Replacement", "")
    return Change(item["Action"], item["LogicalResourceId"], kind, replacement, tuple(sorted(names)))
