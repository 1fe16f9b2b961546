"""Exams that every component takes, a user's own too."""

from bisnn.testing.exams import Exam, Finding, examine, examine_file, exams, findings

__all__ = ["Exam", "Finding", "examine", "examine_file", "exams", "findings"]
