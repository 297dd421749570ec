"""Web forms: the page, its fields by the policy, and what was filled in as a letter."""
