"""The site policy as people write it (YAML) and as the engine reads it (compiled), and the agents file beside it.

site = load("examples/webshop.yaml")        # PolicyErrors names every mistake by line and column
site.compiled(version)                      # what PolicyPublished carries
diff(policy_in_force, site.policy)          # what changes, and for whom
    load_agents("examples/agents.csv", site.policy)
"""

from cordboard.policy.agents import AgentChange, AgentDiff, AgentSheet, diff_agents, leave_out, load_agents, loads_agents
from cordboard.policy.agents_export import dump_agents_csv, dump_agents_yaml
from cordboard.policy.diff import Change, diff
from cordboard.policy.load import CompiledSite, load, loads
from cordboard.policy.problems import PolicyErrors, Problem
from cordboard.policy.schema import json_schema
from cordboard.policy.spell import spell_policy

__all__ = [
    "AgentChange",
    "AgentDiff",
    "AgentSheet",
    "Change",
    "CompiledSite",
    "PolicyErrors",
    "Problem",
    "diff",
    "diff_agents",
    "dump_agents_csv",
    "dump_agents_yaml",
    "json_schema",
    "leave_out",
    "load",
    "load_agents",
    "loads",
    "loads_agents",
    "spell_policy",
]
