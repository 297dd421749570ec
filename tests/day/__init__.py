"""A simulated day of a contact centre on the real core: who comes, who works, what they do, and what becomes of it.

`python -m tests.day journal` writes it as a journal; `python -m tests.day fairness` compares ways to order the work.
"""
