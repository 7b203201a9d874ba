"""Expert errors: a code that clients branch on, a sentence that people read, an HTTP status."""

from __future__ import annotations

from surveyor.core.errors import SurveyorError
from surveyor.services.contract import ErrorCode, Problem

STATUS: dict[ErrorCode, int] = {
    ErrorCode.BAD_INPUT: 422,
    ErrorCode.BAD_IMAGE: 422,
    ErrorCode.HASH_MISMATCH: 422,
    ErrorCode.BLOB_NOT_FOUND: 404,
    ErrorCode.UNKNOWN_SCENE: 404,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.BUSY: 503,
    ErrorCode.OUT_OF_MEMORY: 503,
    ErrorCode.DEADLINE: 504,
    ErrorCode.DISK_FULL: 507,
    ErrorCode.INTERNAL: 500,
}


class ExpertError(SurveyorError):
    """A request that cannot be answered, and why.

    ``retry_after`` (whole seconds) becomes the `Retry-After` header: set it only when asking the
    same again later can help.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        field: str | None = None,
        retry_after: int | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.retry_after = retry_after
        self.status = status or STATUS[code]

    def problem(self) -> Problem:
        """The body that the client gets."""
        return Problem(code=self.code, message=str(self), field=self.field)


def shutting_down() -> ExpertError:
    """What whoever still waits is told when the service ends."""
    return ExpertError(ErrorCode.BUSY, "the service is shutting down", retry_after=1)


def out_of_memory() -> ExpertError:
    """What a `MemoryError` outside the model is to the client."""
    return ExpertError(
        ErrorCode.OUT_OF_MEMORY,
        "this service has no memory left for the request; send less at once, or ask again later",
        retry_after=5,
    )
