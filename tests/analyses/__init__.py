"""What a network costs beside arithmetic."""
