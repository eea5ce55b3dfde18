"""What is open, too powerful or leaked in configuration is found; its well-made twin is clean."""

import re
from pathlib import Path

import pytest

from jingwei.core.text import text
from jingwei.deploy.config.examine import examine
from jingwei.deploy.config.launch import servers, switches
from jingwei.deploy.config.rule import rules
from jingwei.deploy.config.scanner import Options, scan

HERE = Path(__file__).parent


def rules_of(name, content, **given):
    read = examine(name, content, **given)
    return [] if read is None else [each.rule.removeprefix("config.") for each in read.notes]


def test_every_well_made_file_is_clean():
    found = {
        one.path: [each.rule_id for each in one.findings] + list(one.gaps)
        for one in scan(str(HERE / "good"), Options())
    }
    assert len(found) >= 9
    assert not {path: told for path, told in found.items() if told}


EXPECTED = {
    ".env": {"litellm-default-key", "gradio-share", "secret-in-environment"},
    "docker-compose.yml": {
        "open-ollama", "open-vllm", "privileged", "engine-socket", "trust-remote-code", "secret-in-environment", "latest-tag",
        "litellm-default-key", "webui-auth-off", "default-password", "published-store", "jupyter-no-token", "no-limits",
    },
    "k8s.yaml": {"privileged", "engine-socket", "open-ollama", "secret-in-environment", "cluster-admin", "latest-tag", "root-user", "host-network"},
    "main.tf": {"public-bucket", "open-port", "unencrypted-volume"},
    "nginx.conf": {"proxy-without-login", "alias-escape", "proxy-anywhere", "no-tls", "old-tls", "folder-listing", "no-rate-limit"},
    "ollama.service": {"open-ollama", "ollama-any-origin", "root-service"},
    "policy.json": {"any-right", "public-bucket", "no-mfa"},
    "start.sh": {"jupyter-no-token", "host-folder", "open-ollama", "open-vllm", "open-ray", "open-mlflow", "ray-auth-off", "trust-remote-code",
                 "piped-install", "jupyter-root"},
    "user-data.yaml": {"password-login", "secret-in-environment", "open-ollama", "piped-install"},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_is_wrong_with_a_file_is_found(name):
    (one,) = scan(str(HERE / "bad" / name), Options())
    assert {each.rule_id.removeprefix("config.") for each in one.findings} >= EXPECTED[name]
    assert all(each.location.line for each in one.findings)


def test_no_secret_is_shown():
    told = "".join(one.model_dump_json() for one in scan(str(HERE / "bad"), Options()))
    for secret in ("AbCdEf0123456789AbCdEf", "hf_AbCdEfGhIj", "kJ82hsnA91ks", "hunter2x"):
        assert secret not in told


@pytest.mark.parametrize("rule", sorted(rules()))
def test_a_rule_has_its_texts(rule):
    group = (
        switches()[rule].group
        if rule in switches()
        else "open-server"
        if rule.removeprefix("config.open-") in servers()
        else rule.removeprefix("config.")
    )
    assert all(text(f"deploy.config:{group}{end}") for end in ("", "-detail", "-remedy"))


def test_there_are_at_least_40_rules_about_ai():
    assert len(servers()) + len(switches()) >= 40


@pytest.mark.parametrize("rule", sorted(switches()))
def test_a_switch_is_found_wherever_it_is_set(rule):
    switch = switches()[rule]
    if switch.beside or switch.images:
        return
    values = ["", "true", "1", "false", "0", "disabled", "none", "sk-1234", "*", "0.0.0.0", "explicit", "no", "langflow", "trust", "t0p-s3cr3t", "password", "public",
              "admin", "/", "dummy", "off", "local", "1234"]  # fmt: skip
    program = switch.programs[0] if switch.programs else "serve"
    for name, pattern in switch.variables.items():
        value = next((each for each in values if re.search(pattern, each)), None)
        if value is None:
            continue
        assert rule.removeprefix("config.") in rules_of(
            "a.service", f"[Service]\nUser=a\nEnvironment={name}={value}\nExecStart=/bin/x\n"
        )
    for name, pattern in switch.flags.items():
        value = next(each for each in values if re.search(pattern, each))
        given = f"{name}={value}" if value else name
        assert rule.removeprefix("config.") in rules_of("a.sh", f"{program} {given}\n"), given


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("FROM a:1\nCMD vllm serve m --host 0.0.0.0", "open-vllm"),
        ('FROM a:1\nENTRYPOINT ["python3", "-m", "vllm.entrypoints.openai.api_server"]\nCMD ["--model", "m", "--trust-remote-code"]', "trust-remote-code"),
        ('FROM a:1\nENV OLLAMA_HOST=0.0.0.0\nCMD ["ollama", "serve"]', "open-ollama"),
        ("FROM a:1\nEXPOSE 11434\nCMD ollama serve", "open-ollama"),
        ("FROM a:1\nRUN curl -sSL http://x/i.sh \\\n  | bash", "piped-install"),
        ("FROM a:1\nRUN <<EOF\ncurl -s http://x | sh\nEOF\nCMD a", "piped-install"),
        ("ARG V=latest\nFROM python:${V}", "latest-tag"),
        ("FROM a:1\nARG TOKEN=kJ82hsnA91kslQpz77", "secret-in-build"),
        ("FROM a:1\nADD https://x/y /y", "add-url"),
        ("FROM a:1\nRUN pip install --index-url http://x/simple y", "index-cleartext"),
        ("from a:1\nuser ROOT\nUSER 0", "root-user"),
        ("FROM a:1\nCMD sglang serve\nCMD python -m sglang.launch_server --host 0.0.0.0 --model-path m", "open-sglang"),
        ("FROM a:1\nCMD exec jupyter lab --ip 0.0.0.0 --ServerApp.token ''", "jupyter-no-token"),
    ],
)  # fmt: skip
def test_a_dockerfile_is_read_as_the_builder_reads_it(content, rule):
    assert rule in rules_of("Dockerfile", content)


@pytest.mark.parametrize(
    "content",
    [
        "FROM a:1\n# CMD vllm serve m --trust-remote-code\nUSER app\nCMD vllm serve m --host 127.0.0.1",
        "FROM a:1 AS b\nFROM b\nUSER app",
        'FROM scratch\nCOPY x /x\nUSER 1000\nCMD ["/x"]',
        "FROM a:1\nUSER app\nCMD vllm serve m --host 0.0.0.0 --api-key $KEY",
        "FROM a:1\nUSER app\nENV API_KEY_FILE=/run/secrets/key TOKENIZERS_PARALLELISM=false",
    ],
)  # fmt: skip
def test_a_well_made_dockerfile_is_clean(content):
    assert rules_of("Dockerfile", content) == []


def test_the_supply_kit_dockerfile_has_its_flaws():
    content = (
        "FROM python:latest\nUSER root\nENV OPENAI_API_KEY=sk-proj-AbCdEf0123456789AbCdEf0123456789AbCdEf01\nRUN curl http://x/install.sh | sh\n"
        "EXPOSE 11434\nCMD ollama serve & vllm serve --host 0.0.0.0 --trust-remote-code m\n"
    )
    assert set(rules_of("Dockerfile", content)) == {
        "latest-tag", "root-user", "secret-in-build", "piped-install", "open-ollama", "open-vllm", "trust-remote-code"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("port", "open_"),
    [
        ("11434:11434", True),
        ("0.0.0.0:11434:11434", True),
        ("127.0.0.1:11434:11434", False),
        ("[::1]:11434:11434", False),
        ("${BIND:-127.0.0.1}:11434:11434", False),
    ],
)
def test_a_compose_port_is_open_where_it_is_published(port, open_):
    content = f"services:\n  o:\n    image: ollama/ollama:1\n    mem_limit: 1g\n    ports: ['{port}']\n"
    assert ("open-ollama" in rules_of("compose.yaml", content)) is open_


def test_variables_of_a_compose_file_come_from_the_file_beside_it(tmp_path):
    (tmp_path / ".env").write_text("BIND=0.0.0.0\n")
    (tmp_path / "docker-compose.yml").write_text(
        "services:\n  o:\n    image: ollama/ollama:1\n    mem_limit: 1g\n    ports: ['${BIND:-127.0.0.1}:11434:11434']\n"
    )
    found = {one.path: one for one in scan(str(tmp_path), Options())}
    assert [each.rule_id for each in found["docker-compose.yml"].findings] == ["config.open-ollama"]


def test_a_model_behind_an_ingress_that_asks_for_a_login_is_not_open():
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: o, labels: {a: o}}\nspec: {containers: [{name: o, image: 'ollama/ollama:1', resources: {limits: {memory: 1Gi}}}]}\n"
    service = (
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: o}\nspec: {selector: {a: o}, ports: [{port: 11434}]}\n"
    )
    ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i%s}\nspec: {tls: [{hosts: [a]}], rules: [{http: {paths: [{path: /, backend: {service: {name: o}}}]}}]}\n"
    asked = ingress % ", annotations: {nginx.ingress.kubernetes.io/auth-url: https://a}"
    assert "open-ollama" in rules_of("a.yaml", pod + service + ingress % "")
    assert rules_of("a.yaml", pod + service + asked) == []
    assert rules_of("a.yaml", pod + service) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Values.name }}}\n"),
        ("compose.yaml", "services:\n  a: [\n"),
        ("a.yaml", "apiVersion: v1\nkind: X\na: " + "[" * 3000),
        ("nginx.conf", "server {\n listen 80;\n"),
        ("nginx.conf", "server {\n listen 80;\n" * 200),
    ],
)
def test_a_file_that_cannot_be_read_is_a_gap(name, content):
    assert examine(name, content).gap in {"gap-template", "gap-broken"}


def test_aliases_that_unfold_without_end_are_a_gap():
    lines = ["services: {a: {image: x}}", "x0: &x0 [a,a,a,a,a,a,a,a,a]"]
    lines += [f"x{n}: &x{n} [{','.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert examine("compose.yaml", "\n".join(lines)).gap == "gap-broken"


@pytest.mark.parametrize("content", ["a: 1\n", "- 1\n", "", "name: x\non: push\njobs: {}\n", "Just: text\n"])
def test_other_yaml_is_none_of_ours(content):
    assert examine("a.yaml", content) is None


def test_a_jupyter_configuration_in_python_is_read():
    assert "jupyter-no-token" in rules_of("jupyter_server_config.py", "c = get_config()\nc.ServerApp.token = ''\n")


def test_a_litellm_configuration_is_read():
    assert "litellm-default-key" in rules_of(
        "config.yaml", "model_list: []\ngeneral_settings:\n  master_key: sk-1234\n"
    )


def test_a_torchserve_configuration_is_read():
    assert "torchserve-management" in rules_of("config.properties", "management_address=http://0.0.0.0:8081\n")


def test_a_template_of_cloud_resources_is_read():
    content = "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties: {AccessControl: PublicRead}\n  V:\n    Type: AWS::EC2::Volume\n    Properties: {Size: 1}\n"
    assert set(rules_of("a.yaml", content)) == {"public-bucket", "unencrypted-volume"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Dockerfile", "FROM a:1\nRUN " + "curl x " * 100_000),
        ("a.sh", "curl x " * 100_000),
        ("main.tf", "<<A\n" * 200_000),
        ("main.tf", "/* " * 200_000),
        ("x.conf", "\n" * 500_000 + "server"),
        (".env", "\n" * 500_000 + "A=1"),
        ("nginx.conf", 'server { listen 80; "' + "'a\\" * 100_000),
        ("a.service", "[Service]\nExecStart=" + '"a ' * 100_000),
    ],
)
def test_what_repeats_without_end_is_read_in_moments(name, content):
    found = examine(name, content)
    assert found is None or found.gap or found.kind
