"""What is said of a network, as text: with ``cli``, the only room that formats, rounds, or divides by a million."""
