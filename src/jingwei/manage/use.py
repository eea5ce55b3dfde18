"""What is in use now: one digest for each thing that evidence can be bound to."""

from collections.abc import Sequence

from jingwei.core.canonical import digest
from jingwei.core.configuration import ABSENT, Configuration, deployment_digest, gateway_part
from jingwei.core.evidence import BoundTo
from jingwei.manage import rows
from jingwei.manage.desk import Desk
from jingwei.manage.facts import plain
from jingwei.manage.model import Component
from jingwei.manage.responsibility import rested_upon
from jingwei.manage.shelf import shelf
from jingwei.manage.standing import InUse

_ORG = "org"


def in_use(desk: Desk, system_id: str) -> InUse:
    """Return the digests that evidence must be bound to, from a System's parts, facts and policy."""
    kept = shelf(desk.session)
    if kept is None:
        return _read(desk, system_id)
    if system_id not in kept.used:
        kept.used[system_id] = _read(desk, system_id)
    return kept.used[system_id]


def _read(desk: Desk, system_id: str) -> InUse:
    row = rows.system_row(desk.session, system_id)
    components, links = rows.parts(desk.session, system_id)
    policy = rows.policy_row(desk.session, system_id)
    policy_digest = policy.digest if policy is not None else ABSENT
    live = [each for each in components if each.retired_at is None]
    chain = rested_upon(components, links)
    running = [each for each in live if each.id not in chain]
    models, datasets = _of(running, "model"), _of(running, "dataset")
    passes_on = gateway_part(desk.gateway_version, upstream_url=row.upstream_url, upstream_model=row.upstream_model)
    gateway = passes_on if policy is not None else ABSENT  # without a policy, nothing runs behind a guard
    configuration = running_configuration(running, policy=policy_digest, gateway=gateway)
    facts = plain(rows.facts(desk.session, system_id))
    digests = {
        BoundTo.ORG: (_ORG,),
        BoundTo.SYSTEM: (digest({"facts": facts, "purpose": row.purpose}),),
        BoundTo.RELEASE: (digest(sorted(f"{each.kind}:{each.name}:{each.digest}" for each in live)),),
        BoundTo.CONFIGURATION: (configuration.digest,),
        BoundTo.DEPLOYMENT: (deployment_digest(passes_on, policy_digest),),
        BoundTo.MODEL_VERSION: _digests(models),
        BoundTo.DATASET_VERSION: _digests(datasets),
        BoundTo.VENDOR: (digest(_suppliers(live)),),
    }
    observed = {BoundTo.ORG, BoundTo.SYSTEM, BoundTo.DEPLOYMENT, BoundTo.VENDOR}
    if all(each.observed for each in live):
        observed.add(BoundTo.RELEASE)
    observed.update(to for to, parts in ((BoundTo.MODEL_VERSION, models), (BoundTo.DATASET_VERSION, datasets))
                    if parts and all(each.observed for each in parts))  # fmt: skip
    return InUse(digests=digests, observed=frozenset(observed), configuration=configuration)


def running_configuration(running: Sequence[Component], *, policy: str, gateway: str) -> Configuration:
    """Return the configuration of components that run, behind a policy and a gateway."""
    return Configuration(
        model=_one(_of(running, "model")),
        prompt=_one(_of(running, "prompt")),
        tools=_one(_of(running, "tool"), always_list=True),
        policy=policy,
        gateway=gateway,
    )


def _of(components: Sequence[Component], kind: str) -> list[Component]:
    return [each for each in components if each.kind == kind]


def _digests(components: Sequence[Component]) -> tuple[str, ...]:
    return tuple(sorted({each.digest for each in components}))


def _one(components: Sequence[Component], *, always_list: bool = False) -> str:
    """Return one digest for several components: the thing's own where there is one of them."""
    digests = _digests(components)
    if not digests:
        return ABSENT
    return digests[0] if len(digests) == 1 and not always_list else digest(list(digests))


def _suppliers(components: Sequence[Component]) -> list[str]:
    named = {each.supplier for each in components if each.supplier}
    return sorted(named | {f"{each.name}:{each.digest}" for each in components if each.kind == "vendor"})
