"""What others printed: figures and worked examples of the founding documents, each with its source."""
