"""Images are read without an engine: layers, what was deleted in them, their signatures; nothing leaves its place."""

import base64
import gzip
import hashlib
import io
import json
import tarfile

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jingwei.core.errors import InputError
from jingwei.deploy.config.scanner import Options, scan
from jingwei.deploy.scanned import ScanVerdict

SECRET = b"OPENAI_API_KEY=sk-proj-Zx81qWmN04TtLpR7Zx81qWmN04TtLpR7\n"


def layer(*members):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content, *mode in members:
            info = tarfile.TarInfo(name)
            info.size = len(content or b"")
            info.mode = mode[0] if mode else 0o644
            if content is None:
                info.type = tarfile.CHRTYPE
            archive.addfile(info, io.BytesIO(content or b""))
    return raw.getvalue()


def digest(raw):
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def layout(folder, *layers, config=None, more=(), packed=gzip.compress):
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def put(raw):
        (blobs / digest(raw)[7:]).write_bytes(raw)
        return {"digest": digest(raw), "size": len(raw)}

    held = {"config": {"User": "app", "Cmd": ["x"], **(config or {})}}
    manifest = {"config": put(json.dumps(held).encode()), "layers": [put(packed(each)) for each in layers]}
    entry = put(json.dumps(manifest).encode())
    entries = [entry, *(put(json.dumps(each(entry["digest"], put)).encode()) for each in more)]
    (folder / "index.json").write_text(json.dumps({"manifests": entries}))
    return entry["digest"]


def only(path, **options):
    (one,) = scan(str(path), Options(**options))
    return one


def rules_of(one):
    return sorted(each.rule_id.removeprefix("config.") for each in one.findings)


OS = ("etc/os-release", b'PRETTY_NAME="Debian 12"\n')


def test_a_well_made_image_is_clean_and_tells_its_packages(tmp_path):
    status = b"Package: curl\nStatus: install ok installed\nVersion: 8.5.0-2\n\n"
    layout(
        tmp_path,
        layer(
            OS, ("var/lib/dpkg/status", status), ("usr/lib/python3/site-packages/torch-2.6.0.dist-info/METADATA", b"x")
        ),
    )
    one = only(tmp_path)
    assert one.verdict is ScanVerdict.CLEAN
    assert one.facts["packages.deb"] == "curl 8.5.0-2"
    assert one.facts["packages.pypi"] == "torch 2.6.0"
    assert one.facts["system"] == "Debian 12"


def test_a_secret_that_a_later_layer_deletes_is_found(tmp_path):
    layout(tmp_path, layer(OS, ("app/.env", SECRET)), layer(("app/.wh..env", b"")))
    assert rules_of(only(tmp_path)) == ["deleted-secret"]


def test_a_secret_that_is_replaced_is_found(tmp_path):
    layout(tmp_path, layer(OS, ("app/.env", SECRET)), layer(("app/.env", b"A=1\n")))
    assert rules_of(only(tmp_path)) == ["deleted-secret"]


def test_a_folder_that_is_made_opaque_deletes_what_was_in_it(tmp_path):
    layout(tmp_path, layer(OS, ("app/x/.env", SECRET)), layer(("app/.wh..wh..opq", b"")))
    one = only(tmp_path)
    assert rules_of(one) == ["deleted-secret"]
    assert one.findings[0].location.path.endswith("!app/x/.env")


def test_a_secret_that_stays_is_found_and_not_shown(tmp_path):
    layout(tmp_path, layer(OS, ("app/.env", SECRET)))
    one = only(tmp_path)
    assert rules_of(one) == ["secret-in-build"]
    assert "Zx81qWmN04" not in one.model_dump_json()


def test_the_configuration_of_an_image_is_judged(tmp_path):
    config = {
        "User": "",
        "Env": ["HF_TOKEN=hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"],
        "Entrypoint": ["vllm", "serve"],
        "Cmd": ["m", "--host", "0.0.0.0"],
    }
    layout(tmp_path, layer(OS), config=config)
    assert set(rules_of(only(tmp_path))) == {"root-user", "secret-in-build", "open-vllm"}


def test_a_layer_that_leads_out_or_holds_devices_is_told_and_written_nowhere(tmp_path):
    folder = tmp_path / "image"
    folder.mkdir()
    layout(folder, layer(OS, ("../../escaped", b"x"), ("dev/mem", None), ("opt/tool", b"x", 0o4755)))
    assert rules_of(only(folder)) == ["image-device", "image-traversal", "setuid"]
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize(
    "packed", [lambda raw: gzip.compress(raw)[:-40], lambda raw: b"\x28\xb5\x2f\xfd" + raw, lambda raw: b"junk" * 9]
)
def test_a_layer_that_cannot_be_read_is_a_gap(packed, tmp_path):
    layout(tmp_path, layer(OS, ("a", bytes(5000))), packed=packed)
    assert only(tmp_path).gaps


def test_a_layer_that_unpacks_to_too_much_is_a_gap(tmp_path):
    layout(tmp_path, layer(OS, ("a", bytes(3_000_000))))
    assert only(tmp_path, most_unpacked_bytes=100_000).gaps


def test_a_part_that_is_not_what_its_digest_says_is_found(tmp_path):
    layout(tmp_path, layer(OS))
    blob = max((tmp_path / "blobs" / "sha256").iterdir(), key=lambda path: path.read_bytes()[:2] == b"\x1f\x8b")
    blob.write_bytes(gzip.compress(layer(OS, ("b", b"x"))))
    assert rules_of(only(tmp_path)) == ["digest-differs"]


def test_a_saved_archive_is_read(tmp_path):
    path = tmp_path / "image.tar"
    inner = layer(OS, ("app/.env", SECRET))
    config = json.dumps({"config": {"User": "app", "Cmd": ["x"]}}).encode()
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["l/layer.tar"]}]).encode()
    path.write_bytes(layer(("manifest.json", manifest), ("c.json", config), ("l/layer.tar", inner)))
    assert rules_of(only(path)) == ["secret-in-build"]
    packed = tmp_path / "image.tar.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert rules_of(only(packed)) == ["secret-in-build"]


def test_an_image_among_other_files_is_found(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM a:1\nUSER app\n")
    path = tmp_path / "image.tar"
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["l/layer.tar"]}]).encode()
    path.write_bytes(
        layer(("manifest.json", manifest), ("c.json", b"{}"), ("l/layer.tar", layer(OS, ("app/.env", SECRET))))
    )
    found = {one.path: rules_of(one) for one in scan(str(tmp_path), Options())}
    assert found == {"Dockerfile": [], "image.tar": ["secret-in-build"]}


def test_a_root_folder_is_read(tmp_path):
    for name, content in {"etc/os-release": b'PRETTY_NAME="x"\n', "usr/a": b"", "app/.env": SECRET}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert rules_of(only(tmp_path)) == ["secret-in-build"]


def pem(tmp_path, key, name="key.pem"):
    path = tmp_path / name
    path.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return str(path)


def cosign(key, *, of=None, keyless=False):
    def manifest(subject, put):
        payload = json.dumps({"critical": {"image": {"docker-manifest-digest": of or subject}}}).encode()
        signature = base64.b64encode(key.sign(payload, ec.ECDSA(hashes.SHA256()))).decode()
        notes = {"dev.cosignproject.cosign/signature": signature} | (
            {"dev.sigstore.cosign/certificate": "x"} if keyless else {}
        )
        kind = "application/vnd.dev.cosign.simplesigning.v1+json"
        return {"layers": [{"mediaType": kind, "annotations": notes, **put(payload)}]}

    return manifest


def notation(key, *, of=None):
    def text(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    def manifest(subject, put):
        protected, payload = text({"alg": "ES256"}), text({"targetArtifact": {"digest": of or subject}})
        der = key.sign(f"{protected}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        raw = b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))
        envelope = {
            "protected": protected,
            "payload": payload,
            "signature": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        }
        return {
            "subject": {"digest": subject},
            "layers": [{"mediaType": "application/jose+json", **put(json.dumps(envelope).encode())}],
        }

    return manifest


KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("sign", [cosign, notation])
def test_a_signature_is_verified_with_the_given_key(sign, tmp_path):
    folder = tmp_path / "image"
    folder.mkdir()
    layout(folder, layer(OS), more=[sign(KEY)])
    assert rules_of(only(folder, public_key=pem(tmp_path, KEY))) == []
    other = ec.generate_private_key(ec.SECP256R1())
    assert rules_of(only(folder, public_key=pem(tmp_path, other, "other.pem"))) == ["signature-broken"]


@pytest.mark.parametrize("sign", [cosign, notation])
def test_a_signature_of_something_else_does_not_hold(sign, tmp_path):
    folder = tmp_path / "image"
    folder.mkdir()
    layout(folder, layer(OS), more=[sign(KEY, of="sha256:" + "0" * 64)])
    assert rules_of(only(folder, public_key=pem(tmp_path, KEY))) == ["signature-broken"]


def test_an_image_without_a_signature_is_told_where_a_key_is_given(tmp_path):
    folder = tmp_path / "image"
    folder.mkdir()
    layout(folder, layer(OS))
    assert rules_of(only(folder, public_key=pem(tmp_path, KEY))) == ["unsigned"]


def test_a_signature_without_a_key_is_said_not_to_be_verifiable(tmp_path):
    layout(tmp_path, layer(OS), more=[cosign(KEY, keyless=True)])
    assert "Sigstore" in only(tmp_path).gaps[0].en


def test_what_is_no_key_is_refused(tmp_path):
    layout(tmp_path, layer(OS))
    with pytest.raises(InputError):
        only(tmp_path, public_key=str(tmp_path / "oci-layout"))


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"manifests": 3}', '{"manifests": [{"digest": "sha256:../../x"}]}', "null"]
)
def test_a_broken_index_is_a_gap(content, tmp_path):
    (tmp_path / "oci-layout").write_text("{}")
    (tmp_path / "index.json").write_text(content)
    assert only(tmp_path).gaps
