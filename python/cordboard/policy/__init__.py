"""The site policy as people write it (YAML) and as the engine reads it (compiled), and the agents file beside it.

site = load("examples/webshop.yaml")        # PolicyErrors names every mistake by line and column
site.compiled(version)                      # what PolicyPublished carries
diff(policy_in_force, site.policy)          # what changes, and for whom
"""

from cordboard.policy.diff import Change, diff
from cordboard.policy.load import CompiledSite, load, loads
from cordboard.policy.problems import PolicyErrors, Problem
from cordboard.policy.schema import json_schema
from cordboard.policy.spell import spell_policy

__all__ = ["Change", "CompiledSite", "PolicyErrors", "Problem", "diff", "json_schema", "load", "loads", "spell_policy"]
