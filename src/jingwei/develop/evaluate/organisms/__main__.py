"""`python -m jingwei.develop.evaluate.organisms NAME --port N`: serve one organism until interrupted."""

import argparse
import sys

from jingwei.core.text import text
from jingwei.develop.evaluate.organisms.character import character, organism_names
from jingwei.develop.evaluate.organisms.player import Organism
from jingwei.develop.evaluate.organisms.server import server_of
from jingwei.develop.evaluate.suite_file import load_suite


def main() -> None:
    """Serve."""
    about = text("develop.evaluate:organisms-about")
    given = argparse.ArgumentParser(prog="python -m jingwei.develop.evaluate.organisms",
                                    description=f"{about.zh}\n{about.en}",
                                    formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    given.add_argument("name", choices=organism_names())
    given.add_argument("--port", type=int, default=0)
    given.add_argument("--seed", type=int, default=0)
    given.add_argument("--suite", default="autonomy")
    asked = given.parse_args()
    organism = Organism(character(asked.name), load_suite(asked.suite), seed=asked.seed)
    server = server_of(organism, name=asked.name, port=asked.port)
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}/v1\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
