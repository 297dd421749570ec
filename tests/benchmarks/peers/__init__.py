"""What the core is measured against: each does the same work on the same workload, tuned as well as we know how."""
