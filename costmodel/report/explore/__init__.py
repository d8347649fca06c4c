"""The page that ``costmodel explore`` writes: sliders over exact tables, in one file that needs no server."""
