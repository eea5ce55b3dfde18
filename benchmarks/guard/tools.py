"""What deciding on a tool call costs: by itself at 10,000 policies, and after a hundred steps of a session.

    python benchmarks/guard/tools.py [--policies 10000] [--peer-python /path/to/venv/bin/python]

The same call is judged (a) with the policies sliced by tool and agent, as the guard does it, (b) by Cedar alone with
all policies in one set, (c) by the whole guard: arguments read, Cedar, and the detectors over every argument. The flow
rule "after something from outside was read, nothing is sent out unasked" is asked after 1 to 100 steps of one session:
ours is a look at the session's labels; the peer (Invariant Guardrails, where its environment is given) evaluates its
rule over the whole trace. CPU time of the calling thread, medians.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cedarpy

from jingwei.core.policy import ToolRule
from jingwei.deploy.guard import Caller, Guard, Sessions, ToolCall, ToolContext, compile_policy
from jingwei.deploy.guard.cedar import CedarRules
from jingwei.deploy.guard.tools import Toolbox
from jingwei.deploy.guard.verdict import GuardVerdict

EACH = 10
"""Policies of one tool."""
ARGUMENTS = json.dumps({"to": "mei@corp.example", "amount": 50, "note": "for the team lunch on Friday"})
PEER = '''
import os, statistics, sys, time
os.environ["INVARIANT_MAX_ITERATIONS"] = "1000000"
from invariant.analyzer import LocalPolicy
policy = LocalPolicy.from_string("""
raise "sent after reading" if:
    (one: ToolCall) -> (two: ToolCall)
    one is tool:fetch
    two is tool:send
""")
for steps in (1, 10, 20, 50, 100):
    trace = []
    for number in range(steps):
        trace.append({"role": "assistant", "content": None, "tool_calls": [{"id": str(number), "type": "function",
                      "function": {"name": "look", "arguments": {"q": "x"}}}]})
        trace.append({"role": "tool", "tool_call_id": str(number), "content": "fine"})
    times = []
    for _ in range(3 if steps > 20 else 7):
        began = time.process_time()
        policy.analyze(trace)
        times.append(time.process_time() - began)
    print(f"{steps} {statistics.median(times) * 1e6:.0f}")
'''


def spent(run, times: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of a call's CPU time in microseconds."""
    found = []
    for _ in range(times):
        began = time.thread_time_ns()
        run()
        found.append((time.thread_time_ns() - began) / 1000)
    found.sort()
    return statistics.median(found), found[int(len(found) * 0.99)]


def policies(count: int) -> tuple[str, tuple[ToolRule, ...]]:
    """Write policies: for each tool some agents that may call it under a limit, and one that may not."""
    tools = tuple(ToolRule(name=f"tool{number}", server="bank") for number in range(count // EACH))
    lines = []
    for tool in tools:
        scope = f'action == Action::"call", resource == Tool::"bank/{tool.name}"'
        limit = "when { context.arguments has amount && context.arguments.amount <= 100 }"
        lines += [f'@id("{tool.name}-{agent}") permit(principal == Agent::"agent{agent}", {scope}) {limit};'
                  for agent in range(EACH - 1)]  # fmt: skip
        lines.append(f'@id("{tool.name}-never") forbid(principal == Agent::"guest", {scope});')
    return "\n".join(lines), tools


def decisions(count: int) -> None:
    """Measure one decision."""
    source, tools = policies(count)
    began = time.process_time()
    rules = CedarRules(source, tools)
    print(f"{count} policies of {len(tools)} tools: read and checked once in {time.process_time() - began:.2f} s CPU")
    policy = compile_policy("sys_1", 2, {})
    policy = type(policy).model_validate(policy.model_dump() | {
        "tools": [each.model_dump() for each in tools], "tool_rules": source})  # fmt: skip
    toolbox, guard = Toolbox(policy), Guard.build(policy)
    call, context = ToolCall("tool7", ARGUMENTS, server="bank"), ToolContext(principal="agent3")
    clean = GuardVerdict(direction="tool", decision="allow")

    def sliced():
        return toolbox.judge(call, context, scan=lambda _: clean, compose=lambda verdict, _: verdict)

    assert sliced().passes
    assert guard.judge_call(call, context).passes
    whole = cedarpy.PolicySet.from_str(source)
    none = cedarpy.Entities.from_json_str("[]")
    request = {
        "principal": 'Agent::"agent3"', "action": 'Action::"call"', "resource": 'Tool::"bank/tool7"',
        "context": {"effect": "read_only", "taints": [], "watched": False, "approved": False,
                    "arguments": json.loads(ARGUMENTS)},
    }  # fmt: skip
    assert cedarpy.is_authorized(request, whole, none).allowed
    ours, p99 = spent(sliced, 3000)
    naive, _ = spent(lambda: cedarpy.is_authorized(request, whole, none), 30)
    full, full99 = spent(lambda: guard.judge_call(call, context), 1500)
    print(f"  ours, sliced:                 p50 {ours:8.1f} µs  p99 {p99:8.1f} µs")
    print(f"  Cedar with all policies:      p50 {naive:8.1f} µs   {naive / ours:.0f}×")
    print(f"  ours, with the detectors:     p50 {full:8.1f} µs  p99 {full99:8.1f} µs (in the calling thread)")
    print(f"  slice of this call: {rules.slice_size(_cedar_call())} of {count} policies")


def _cedar_call():
    from jingwei.deploy.guard.cedar import CedarCall

    return CedarCall("agent3", "", "bank/tool7", "bank", "read_only", (), watched=False, approved=False, arguments={})


def flow(peer: Path | None) -> None:
    """Measure the flow rule after more and more steps."""
    theirs = {}
    if peer is not None:
        out = subprocess.run([str(peer), "-c", PEER], capture_output=True, text=True, check=False)
        theirs = {int(a): float(b) for a, b in (line.split() for line in out.stdout.splitlines())}
        if not theirs:
            sys.stderr.write(out.stderr[-2000:])
    compiled = compile_policy("sys_1", 1, {}, tools=(ToolRule(name="send", sends_outside=True),))
    toolbox = Toolbox(compiled)
    clean = GuardVerdict(direction="tool", decision="allow")
    caller = Caller("sys_1", "agent", "web")
    with tempfile.TemporaryDirectory() as folder:
        sessions = Sessions(Path(folder))
        sessions.open(caller, "s")
        done = 0
        for steps in (1, 10, 20, 50, 100):
            while done < steps:
                sessions.add(caller, "s", {"untrusted-content"})
                done += 1
            labels, p99 = spent(lambda: sessions.labels(caller, "s"), 2000)

            def asked():
                context = ToolContext(labels=sessions.labels(caller, "s"))
                return toolbox.judge(ToolCall("send", "{}"), context, scan=lambda _: clean, compose=_held)

            assert asked().why == "tool.tainted-send"
            whole, _ = spent(asked, 1000)
            beside = f"   peer {theirs[steps]:10.0f} µs   {theirs[steps] / labels:.0f}×" if steps in theirs else ""
            print(f"  flow rule after {steps:3} steps: p50 {labels:6.1f} µs  p99 {p99:6.1f} µs; "
                  f"with the whole decision {whole:6.1f} µs{beside}")  # fmt: skip


def _held(verdict, findings):
    decision = max((verdict.decision, *(each.decision for each in findings)), key=lambda each: each.rank)
    return verdict.model_copy(update={"decision": decision, "findings": findings})


def main() -> None:
    """Run both measures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--policies", type=int, default=10_000)
    options.add_argument("--peer-python", type=Path, help="python of an environment with invariant-ai")
    given = options.parse_args()
    decisions(given.policies)
    flow(given.peer_python)


if __name__ == "__main__":
    main()
