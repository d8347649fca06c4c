"""The design space: grids of networks, the largest designs within budgets, the Pareto front."""
