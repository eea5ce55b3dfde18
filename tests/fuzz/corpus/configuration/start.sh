#!/bin/bash
export RAY_AUTH_MODE=disabled
ray start --head --dashboard-host=0.0.0.0
nohup jupyter lab --ip=0.0.0.0 --allow-root --ServerApp.token='' &
python -m vllm.entrypoints.openai.api_server --model x --host 0.0.0.0 --trust-remote-code
docker run -d --gpus all -p 11434:11434 -v /:/host ollama/ollama:0.5.1
mlflow server --host 0.0.0.0
curl -fsSL https://x/install.sh | sh
