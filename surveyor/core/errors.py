"""The exception tree: who is to blame decides what happens next.

::

    SurveyorError
    ├── UserError               the person at the keyboard can mend it: one sentence, exit code 2
    ├── InfrastructureError     a service, provider or disk failed: the episode is *incomplete*
    │   └── ServiceUnavailable  an expert or provider could not be reached in the time allowed
    └── ModelMistake            the planner asked for something impossible: it gets an observation

Everything else that escapes is a bug of ours and is allowed to crash loudly.
"""

from __future__ import annotations


class SurveyorError(Exception):
    """Root of every error that Surveyor raises on purpose.

    >>> issubclass(UserError, SurveyorError)
    True
    """


class UserError(SurveyorError):
    """A mistake that the user can mend; the message is one clear sentence saying how.

    >>> import surveyor
    >>> try:
    ...     surveyor.load_dataset("nowhere")
    ... except UserError as error:
    ...     print(error)
    nowhere holds no dataset (no dataset.json); make one with `surveyor rooms make`
    """


class InfrastructureError(SurveyorError):
    """Something outside the planner failed; the episode is incomplete, never counted as wrong.

    >>> issubclass(ServiceUnavailable, InfrastructureError)
    True
    """


class ServiceUnavailable(InfrastructureError):
    """An expert or a model endpoint did not answer within attempts and wall time."""


class ModelMistake(SurveyorError):
    """The planner's request cannot be carried out; the message tells it what to change."""
