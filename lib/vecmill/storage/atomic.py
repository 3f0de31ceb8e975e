"""See `vecmill.atomic`."""

from vecmill.atomic import write_text

__all__ = ["write_text"]
