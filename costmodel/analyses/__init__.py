"""What a network costs beside arithmetic: memory, bytes moved, the part of the image that a layer sees, time."""
