"""Reports of the cost check: what changed, in text, JSON, Markdown, GitHub's annotations and JUnit's XML."""
