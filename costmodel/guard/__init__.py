"""The cost check for CI: a lock of what each model costs, what has changed since, and budgets."""
