"""The tests. Whoever starts a process as another user forks, and gRPC's own handlers of forks break the child: not here."""

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
