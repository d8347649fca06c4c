"""The page that ``costmodel report`` writes: one model, or two side by side, in one file for a review."""
