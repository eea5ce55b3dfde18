"""What counting a key's use costs: one request entered and left, its tokens counted, in the file all processes share.

python benchmarks/guard/limits.py
"""

import statistics
import tempfile
import time
from pathlib import Path

from jingwei.core.clock import utc_now
from jingwei.core.policy import Limits
from jingwei.core.snapshot import Served, ServedKey, key_hash
from jingwei.deploy.guard import Guard, compile_policy
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.limits import Limiter
from jingwei.faces.gateway.seats import Seat

ROUNDS, EACH = 30, 1000


def main() -> None:
    policy = compile_policy("sys_1", 2, {})
    served = Served(system_id="sys_1", name="a", status="live", upstream_url="http://127.0.0.1:1/v1", policy=policy)
    limits = Limits(requests_per_minute=10**9, tokens_per_day=10**15, concurrent_requests=100)
    access = Access(served, Guard.load(policy), key=ServedKey(hash=key_hash("k"), limits=limits))
    with tempfile.TemporaryDirectory() as folder:
        limiter = Limiter(Path(folder), Seat(Path(folder)), clock=utc_now)
        costs = []
        for _ in range(ROUNDS):
            began = time.thread_time()
            for _ in range(EACH):
                with limiter.counted(access):
                    pass
                limiter.spent(access, 7)
            costs.append((time.thread_time() - began) / EACH * 1e6)
        limiter.close()
    print(f"one request with three limits: {statistics.median(costs):.1f} us of CPU (target 20)")


if __name__ == "__main__":
    main()
