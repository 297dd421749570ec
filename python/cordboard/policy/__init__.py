"""The site policy as people write it (YAML) and as the engine reads it (compiled), and the agents file beside it.

site = load("examples/webshop.yaml")        # PolicyErrors names every mistake by line and column
site.compiled(version)                      # what PolicyPublished carries
"""

from cordboard.policy.load import CompiledSite, load, loads
from cordboard.policy.problems import PolicyErrors, Problem

__all__ = ["CompiledSite", "PolicyErrors", "Problem", "load", "loads"]
