"""Write the banks of the suites injection-indirect and injection-rag from carriers.yaml and passages.yaml.

python benchmarks/evaluate/build_injection.py
"""

import json
from importlib.resources import files
from pathlib import Path

from jingwei.develop.evaluate.carriers import indirect_bank
from jingwei.develop.evaluate.passages import rag_bank


def main() -> None:
    """Write both."""
    folder = Path(str(files("jingwei.develop.evaluate").joinpath("suites")))
    for name, bank in (("injection-indirect", indirect_bank()), ("injection-rag", rag_bank())):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in bank]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{name}: {len(lines)} prompts")


if __name__ == "__main__":
    main()
