"""The policy: read it, publish it."""

from functools import cached_property
from typing import TYPE_CHECKING

from cordboard.client.connection import Connection, new_request_id
from cordboard.v1 import policy_service_pb2 as policy_pb
from cordboard.v1.policy_service_pb2_grpc import PolicyServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.policy_service_pb2_grpc import PolicyServiceAsyncStub


class PolicyCalls(Connection):
    """PolicyService."""

    @cached_property
    def _policy(self) -> "PolicyServiceAsyncStub":
        return PolicyServiceStub(self._channel)

    async def get_policy(self, *, after: str = "") -> policy_pb.GetPolicyResponse:
        """The policy in force. Raises ClientError with reason no_policy if there is none."""
        return await self._send(self._policy.GetPolicy, policy_pb.GetPolicyRequest(consistency_token=after))

    async def publish_policy(
        self,
        document: bytes | str,
        *,
        expected_version: int | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
    ) -> policy_pb.PublishPolicyResponse:
        """Put a policy in force: compiled (bytes) or YAML source (str)."""
        request = policy_pb.PublishPolicyRequest(
            request_id=request_id or new_request_id(), expected_version=expected_version, validate_only=validate_only
        )
        if isinstance(document, bytes):
            request.compiled = document
        else:
            request.yaml = document
        return await self._send(self._policy.PublishPolicy, request)
