"""A run as GitHub-flavoured Markdown: for comments on pull requests, job summaries and merge requests."""

from pytest_loadtest.report.markdown.document import MOST_BYTES, markdown_of

__all__ = ["MOST_BYTES", "markdown_of"]
