"""What is planned for the time to come: how many agents are there, and so how many callbacks may be promised (docs/staffing.md)."""

from cordboard.planning.example import example_csv
from cordboard.planning.plan import PlannedDay, PlannedSlot, SlotRun, StaffingPlan
from cordboard.planning.staffing import load_staffing, loads_staffing

__all__ = ["PlannedDay", "PlannedSlot", "SlotRun", "StaffingPlan", "example_csv", "load_staffing", "loads_staffing"]
