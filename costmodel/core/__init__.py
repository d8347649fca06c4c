"""The representation: shapes, counts, layers, the graph of a network, its ledger."""
