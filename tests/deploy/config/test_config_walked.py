"""What starts a server is read wherever it is written: in any object, another file, a variable or the environment."""

import pytest

from jingwei.deploy.config.examine import examine


def rules_of(name, content):
    read = examine(name, content)
    return set() if read is None else {each.rule.removeprefix("config.") for each in read.notes}


def gap_of(name, content):
    read = examine(name, content)
    return None if read is None else read.gap


BOX = "{name: a, image: 'vllm/vllm-openai:v0.9', args: ['--trust-remote-code'], securityContext: {privileged: true}}"


@pytest.mark.parametrize(
    "spec",
    [
        f"kind: RayCluster\nspec: {{headGroupSpec: {{template: {{spec: {{containers: [{BOX}]}}}}}}}}",
        f"kind: InferenceService\nspec: {{predictor: {{containers: [{BOX}]}}}}",
        f"kind: Workflow\nspec: {{templates: [{{name: t, container: {BOX}}}]}}",
        f"kind: NotYetInvented\nspec: {{deep: [{{er: {{containers: [{BOX}]}}}}]}}",
        "kind: InferenceService\nspec: {predictor: {model: {modelFormat: {name: x}, args: ['--trust-remote-code'], securityContext: {privileged: true}}}}",
    ],
)
def test_a_pod_is_found_in_any_kind_of_object(spec):
    assert rules_of("a.yaml", f"apiVersion: v1\nmetadata: {{name: a}}\n{spec}\n") >= {
        "privileged",
        "trust-remote-code",
    }
    assert gap_of("a.yaml", f"apiVersion: v1\nmetadata: {{name: a}}\n{spec}\n") == ""


def test_a_cluster_that_asks_for_an_open_service_is_open():
    spec = "apiVersion: ray.io/v1\nkind: RayCluster\nspec: {headGroupSpec: {serviceType: %s, template: {spec: {containers: [{name: h, image: 'rayproject/ray:2.52.0'}]}}}}\n"
    assert "open-ray" in rules_of("a.yaml", spec % "NodePort")
    assert "open-ray" not in rules_of("a.yaml", spec % "ClusterIP")


@pytest.mark.parametrize(
    ("kind", "gap"),
    [("MadeUp", "gap-unknown-kind"), ("Service", ""), ("ConfigMap", ""), ("ServiceAccountList", "")],
)
def test_an_object_of_unknown_kind_without_a_pod_is_a_gap(kind, gap):
    assert gap_of("a.yaml", f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{x: 1}}\n") == gap


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("c.yaml", "services: {c: {image: 'lab/c:1', ports: ['8188:8188'], command: python main.py --listen 0.0.0.0}}", "open-comfyui"),
        ("c.yaml", "services: {c: {image: 'x/comfyui-boot:1', ports: ['8188:8188']}}", "open-comfyui"),
        ("c.yaml", "services: {c: {image: 'lab/c:1', network_mode: host, environment: {CLI_ARGS: '--listen --enable-cors-header'}}}", "comfyui-any-origin"),
        ("a.sh", "HOST=0.0.0.0\nvllm serve m --host $HOST\n", "open-vllm"),
        ("a.sh", 'export HOST=0.0.0.0\nsglang.launch_server --host "${HOST}"\n', "open-sglang"),
        ("a.sh", "mlflow server --host ${HOST:-0.0.0.0}\n", "open-mlflow"),
        ("a.sh", "FLAGS='--host 0.0.0.0 --port 5000'\nmlflow server $FLAGS\n", "open-mlflow"),
        ("a.sh", "chmod -R 777 /data/models\n", "world-writable"),
        ("a.sh", "sudo ufw disable\n", "firewall-off"),
        ("a.sh", "systemctl disable --now firewalld\n", "firewall-off"),
        ("a.sh", "export HF_HUB_DISABLE_SSL_VERIFY=1\n", "tls-check-off"),
        ("o.service.d/o.conf", '[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0" "OLLAMA_ORIGINS=*"\n', "open-ollama"),
        ("values.yaml", "extraEnvVars:\n  - name: WEBUI_AUTH\n    value: 'False'\n", "webui-auth-off"),
        ("values.yaml", "env:\n  RAY_AUTH_MODE: disabled\n", "ray-auth-off"),
        ("m.yaml", "apiVersion: v1\nkind: ConfigMap\ndata:\n  RAY_AUTH_MODE: disabled\n", "ray-auth-off"),
        ("m.yaml", "apiVersion: v1\nkind: ConfigMap\ndata:\n  run.sh: |\n    #!/bin/sh\n    vllm serve m --host 0.0.0.0\n", "open-vllm"),
        ("u.yaml", "#cloud-config\nchpasswd: {expire: false, users: [{name: root, password: 'Gpu@2024'}]}\n", "secret-in-environment"),
        ("u.yaml", "#cloud-config\nchpasswd:\n  list: |\n    root:Gpu@2024\n", "secret-in-environment"),
        ("u.yaml", "#cloud-config\nruncmd:\n  - ufw disable\n", "firewall-off"),
        ("u.yaml", "#cloud-config\nwrite_files:\n  - path: /etc/systemd/system/ollama.service.d/o.conf\n    content: |\n      [Service]\n      Environment=OLLAMA_HOST=0.0.0.0\n", "open-ollama"),
        ("u.yaml", "#cloud-config\nwrite_files:\n  - path: /srv/compose.yaml\n    content: |\n      services:\n        a: {image: 'lab/a:1', privileged: true}\n", "privileged"),
    ],
)  # fmt: skip
def test_what_opens_or_weakens_a_machine_is_found(name, content, rule):
    assert rule in rules_of(name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.yaml", "services: {c: {image: 'lab/c:1', ports: ['127.0.0.1:8188:8188'], mem_limit: 1g, command: python main.py --listen 127.0.0.1}}"),
        ("c.yaml", "services: {c: {image: 'lab/c:1', ports: ['80:80'], mem_limit: 1g, command: python main.py --verbose}}"),
        ("a.sh", "HOST=127.0.0.1\nvllm serve m --host $HOST\n"),
        ("a.sh", "HOST=127.0.0.1\nmlflow server --host ${HOST:-0.0.0.0}\n"),
        ("a.sh", "chmod -R 750 /data/models\nufw enable\nufw allow 22\n"),
        ("a.sh", "systemctl disable --now bluetooth\n"),
        ("o.service.d/o.conf", "[Service]\nEnvironment=OLLAMA_HOST=127.0.0.1\n"),
        ("values.yaml", "extraEnvVars:\n  - name: WEBUI_AUTH\n    value: 'True'\n"),
        ("m.yaml", "apiVersion: v1\nkind: ConfigMap\ndata:\n  RAY_AUTH_MODE: token\n  system: |\n    Never tell the password. Do not use 0.0.0.0\n"),
        ("u.yaml", "#cloud-config\nchpasswd: {users: [{name: lab, type: RANDOM, password: R}, {name: root, password: '$6$abc$def'}]}\n"),
    ],
)  # fmt: skip
def test_its_well_made_twin_is_clean(name, content):
    assert not rules_of(name, content)


def test_what_a_file_inside_another_says_is_told_with_its_line():
    read = examine(
        "u.yaml", "#cloud-config\nwrite_files:\n  - path: /a.sh\n    content: |\n      #!/bin/sh\n      ufw disable\n"
    )
    assert [each.line for each in read.notes] == [6]


def test_a_configuration_that_is_not_read_is_a_gap():
    assert gap_of("Caddyfile", "llm.example.com {\n  reverse_proxy localhost:11434\n}\n") == "gap-caddy"
