"""PolicyService: the policy in force, and the next one."""

import asyncio
import hashlib

import msgspec

from cordboard import codec
from cordboard.api.guard import Context
from cordboard.api.ids import fact_id
from cordboard.api.site import Site
from cordboard.api.status import BadRequest, VersionChanged, Violation
from cordboard.api.translate.check import Check
from cordboard.errors import FactRefused, InvalidInput
from cordboard.events.bounds import INSTANT_MAX_MS
from cordboard.events.event import PolicyAdopted
from cordboard.events.fact import PolicyPublished
from cordboard.events.policy import Policy
from cordboard.policy import PolicyErrors, loads
from cordboard.policy.calendars import with_instants
from cordboard.policy.compile import COMPILED_MAX
from cordboard.policy.diff import Change, diff
from cordboard.v1 import policy_service_pb2 as pb
from cordboard.v1.policy_service_pb2_grpc import PolicyServiceServicer
from cordboard.vault.clock import now_ms

VIOLATIONS_MAX = 50


class PolicyService(PolicyServiceServicer):
    """Versions are assigned here and checked by the router, which refuses any that is not newer: so of two publishers one loses."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def GetPolicy(self, request: pb.GetPolicyRequest, context: Context) -> pb.GetPolicyResponse:
        await self._site.reach(request.consistency_token)
        adopted = self._site.declared.adopted()
        return pb.GetPolicyResponse(
            version=adopted.version,
            digest=adopted.digest.hex(),
            compiled=adopted.policy,
            adopted_at_ms=adopted.at_ms,
            consistency_token=self._site.token(),
        )

    async def PublishPolicy(self, request: pb.PublishPolicyRequest, context: Context) -> pb.PublishPolicyResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        expected = request.expected_version if request.HasField("expected_version") else None
        if expected is not None:
            check.number("expected_version", expected, 0, INSTANT_MAX_MS)
        check.finish()
        policy = await _document(request)
        if policy.site != self._site.log.site:
            field = request.WhichOneof("document") or "document"
            raise BadRequest.of(field, f"is a policy of site {policy.site}; this is {self._site.log.site}")
        before, version = self._site.declared.policy, self._site.declared.version
        if expected is not None and expected > version:
            raise VersionChanged(f"version {expected} was expected, {version} is in force")
        # An older expectation goes to the router: it tells a repeat of what succeeded from a publisher that came too late.
        policy = msgspec.structs.replace(policy, version=(version if expected is None else expected) + 1)
        changes = [] if before is None else diff(before, policy)
        data = await _published(policy, now_ms(), request.WhichOneof("document") or "document")
        if request.validate_only:
            if policy.version <= version:
                raise VersionChanged(f"version {expected} was expected, {version} is in force")
            return self._response(policy.version, hashlib.sha256(data).hexdigest(), changes, self._site.feed.position)
        try:
            outcome = await self._site.command(PolicyPublished(fact_id=fact_id("PublishPolicy", request_id), policy=data))
        except FactRefused as error:
            if error.reason == "policy_stale":
                raise VersionChanged(f"version {policy.version - 1} was expected, a newer one is in force") from error
            raise
        adopted = outcome.first(PolicyAdopted)
        if adopted is None:
            return self._response(policy.version, hashlib.sha256(data).hexdigest(), changes, outcome.seq)
        return self._response(adopted.version, adopted.digest.hex(), changes, outcome.seq)

    def _response(self, version: int, digest: str, changes: list[Change], seq: int) -> pb.PublishPolicyResponse:
        return pb.PublishPolicyResponse(
            version=version,
            digest=digest,
            changes=[
                pb.PolicyChange(path=change.path, before=_json(change.old), after=_json(change.new), effect=change.effect)
                for change in changes
            ],
            consistency_token=self._site.token(seq),
        )


async def _published(policy: Policy, at_ms: int, field: str) -> bytes:
    """With its days and weeks, compiled. Raises BadRequest."""
    try:
        # Holidays are computed in pure Python, too.
        data = codec.encode(await asyncio.to_thread(with_instants, policy, at_ms))
    except InvalidInput as error:
        raise BadRequest.of(field, str(error)) from error
    # Other weeks than those that a file was checked with: holidays fall otherwise in each year.
    if len(data) > COMPILED_MAX:
        raise BadRequest.of(
            field,
            f"with the weeks of its {len(policy.calendars)} calendars as they are today the policy has {len(data):,} bytes; "
            f"{COMPILED_MAX:,} fit one frame: use fewer calendars, or fewer exceptions",
        )
    return data


async def _document(request: pb.PublishPolicyRequest) -> Policy:
    """The policy in the request, whichever way it came. Raises BadRequest."""
    match request.WhichOneof("document"):
        case "compiled":
            try:
                return codec.decode_policy(request.compiled)
            except InvalidInput as error:
                raise BadRequest.of("compiled", str(error)) from error
        case "yaml":
            try:
                # YAML is read in pure Python: a long document would hold up every stream of this process.
                return (await asyncio.to_thread(loads, request.yaml)).policy
            except PolicyErrors as errors:
                violations = (Violation("yaml", str(problem)) for problem in errors.problems[:VIOLATIONS_MAX])
                raise BadRequest(tuple(violations)) from errors
        case _:
            raise BadRequest.of("document", "must be given, as compiled or yaml")


def _json(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
