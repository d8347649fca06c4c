"""What others printed: numbers and worked examples of the founding documents, each with its source."""
