"""A value that cannot be taken as it stands."""


class Unclear(ValueError):
    """`message` says what is wrong with it, `suggestion` what to write instead."""

    def __init__(self, message: str, suggestion: str) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion
