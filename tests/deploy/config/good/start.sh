#!/bin/bash
set -euo pipefail
ray start --head --dashboard-host=127.0.0.1
jupyter lab --ip=127.0.0.1
vllm serve x --host 127.0.0.1 --port 8000
docker run -d -p 127.0.0.1:11434:11434 ollama/ollama:0.5.1
mlflow server --host 0.0.0.0 --app-name basic-auth
