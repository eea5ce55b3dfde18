"""Other engines that carry out an evaluation, each in a process of its own: Inspect, for tasks that others wrote."""

from jingwei.develop.evaluate.backends.inspect_backend import Done, Job, judged, run_inspect, task_of

__all__ = ["Done", "Job", "judged", "run_inspect", "task_of"]
