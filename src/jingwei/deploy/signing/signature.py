"""A model's signature: OpenSSF model signing, with an answer in plain words about every file.

The bundle is made and judged by `model-signing` (extra `signing`), so that others can verify it too. What it does not
say, this does: which file differs, which is missing, which was added. One flipped bit is a changed file.
"""

import base64
import binascii
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

from jingwei.core.errors import InputError, Tampered, Unavailable
from jingwei.core.text import Both, text
from jingwei.deploy.signing.envelope import LARGEST
from jingwei.deploy.signing.keys import private_key, public_key

SIGNATURE = "model.sig"
"""Where a model's signature lies in its folder, unless another place is named."""
PROVENANCE = "provenance.dsse.json"
_MISMATCH = "Signature mismatch"
"""How the library begins to say that the signature holds and the files do not."""
_WHOLE = "."
"""How a signature names a model that is one file."""

How = Literal["changed", "missing", "added"]


class Difference(NamedTuple):
    """One file that is not what was signed."""

    path: str
    how: How

    @property
    def said(self) -> Both:
        """Say it in plain words."""
        return text(f"deploy.signing:file-{self.how}", path=self.path)


class Examination(NamedTuple):
    """What a verification found."""

    digest: str
    """SHA-256 that the signature gives the whole model."""
    files: int
    """Files that were signed."""
    differences: tuple[Difference, ...]
    ignored: tuple[str, ...]
    """What the signature leaves out: nobody vouches for it."""


def sign(target: Path, key: Path, *, signature: Path | None = None, ignore: Iterable[str] = ()) -> Path:
    """Sign a file or folder with an elliptic-curve key, and return the signature's path.

    Args:
        target: the model.
        key: file of the private key.
        signature: where to write; beside a file, or `model.sig` in a folder, where none is given.
        ignore: paths in the folder that are not signed, such as a log that grows.

    Raises:
        InputError: the target or the key is not there, or the folder holds a link.
        Unavailable: the extra `signing` is not installed.
    """
    private_key(key)
    config = _library("signing").Config().use_elliptic_key_signer(private_key=key)
    return _sign(config, target, signature, ignore)


def sign_with_certificate(target: Path, key: Path, *, certificate: Path, chain: Iterable[Path] = (),
                          signature: Path | None = None, ignore: Iterable[str] = ()) -> Path:  # fmt: skip
    """Sign with a key whose certificate an authority of one's own has issued; otherwise as `sign`."""
    private_key(key)
    config = (
        _library("signing")
        .Config()
        .use_certificate_signer(private_key=key, signing_certificate=certificate, certificate_chain=list(chain))
    )
    return _sign(config, target, signature, ignore)


def _sign(config: Any, target: Path, signature: Path | None, ignore: Iterable[str]) -> Path:  # Any: the library's
    where = signature or _place(target)
    _demand(target)
    paths = [where, _beside(target, PROVENANCE), *(target / name for name in ignore)]
    hashing = _library("hashing").Config().set_ignored_paths(paths=paths, ignore_git_paths=False)
    try:
        config.set_hashing_config(hashing).sign(target, where)
    except (ValueError, OSError) as error:
        raise InputError("deploy.signing:not-signed", field="target", path=str(target), reason=str(error)) from error
    return where


def verify(target: Path, public: Path, *, signature: Path | None = None) -> tuple[Difference, ...]:
    """Return every file that is not what was signed; none means that the model is whole.

    Raises:
        InputError: the target, the signature or the key is not there.
        Tampered: the signature itself does not hold.
        Unavailable: the extra `signing` is not installed.
    """
    return examine(target, public, signature=signature).differences


def examine(target: Path, public: Path | None = None, *, signature: Path | None = None,
            chain: Sequence[Path] = ()) -> Examination:  # fmt: skip
    """Verify a model and return what was found, the digest that evidence is bound to included.

    Args:
        target: the model.
        public: file of the public key; none where certificates are trusted instead.
        signature: the signature; where `sign` puts it, if not given.
        chain: certificates of the authority that is trusted, root last.

    Raises:
        InputError: the target, the signature or the key is not there.
        Tampered: the signature itself does not hold.
        Unavailable: the extra `signing` is not installed.
    """
    where = signature or _place(target)
    _demand(target)
    _demand_signature(where)
    config = _library("verifying").Config()
    if public is not None:
        public_key(public)
        config = config.use_elliptic_key_verifier(public_key=public)
    elif chain:
        config = config.use_certificate_verifier(certificate_chain=list(chain))
    else:
        raise InputError("deploy.signing:no-key", field="public_key")
    differs = False
    try:
        config.verify(target, where)
    except Exception as error:  # whatever the library says of a hostile bundle: it does not hold
        differs = str(error).startswith(_MISMATCH)
        if not differs:
            raise Tampered("deploy.signing:signature-invalid", path=str(where)) from error
    return _examination(target, _statement(where), differs=differs)


def _examination(target: Path, statement: Mapping[str, Any], *, differs: bool) -> Examination:
    predicate = statement["predicate"]
    signed = {each["name"]: each["digest"] for each in predicate["resources"]}
    how = predicate["serialization"]
    ignored = tuple(sorted(how.get("ignore_paths", [])))
    differences = tuple(_differences(target, signed, how)) if differs else ()
    return Examination(statement["subject"][0]["digest"]["sha256"], len(signed), differences, ignored)


def _differences(target: Path, signed: Mapping[str, str], how: Mapping[str, Any]) -> list[Difference]:
    hashing = _library("hashing").Config()
    settings = {"hashing_algorithm": how["hash_type"], "allow_symlinks": how["allow_symlinks"]}
    if how["method"] == "shards":
        hashing.use_shard_serialization(shard_size=how["shard_size"], **settings)
    else:
        hashing.use_file_serialization(**settings)
    hashing.add_ignored_paths(model_path=target, paths=how.get("ignore_paths", []))
    try:
        manifest = hashing.hash(target)
    except (ValueError, OSError) as error:
        raise Tampered("deploy.signing:not-read", path=str(target), reason=str(error)) from error
    actual = {each.identifier: each.digest.digest_hex for each in manifest.resource_descriptors()}
    found = []
    for name in sorted(signed.keys() | actual.keys()):
        if signed.get(name) != actual.get(name):
            how_it_differs: How = "missing" if name not in actual else "added" if name not in signed else "changed"
            found.append(Difference(target.name if name == _WHOLE else name, how_it_differs))
    return found


def demand_signed(target: Path, public: Path, *, signature: Path | None = None) -> str:
    """Refuse to load a model that is not what was signed, and return its digest. Called where a model's server starts.

    Raises:
        Tampered: the signature does not hold, or files differ; the message names them.
        InputError: the target, the signature or the key is not there.
        Unavailable: the extra `signing` is not installed.
    """
    found = examine(target, public, signature=signature)
    if found.differences:
        named = ", ".join(f"{each.path} ({each.how})" for each in found.differences[:10])
        raise Tampered("deploy.signing:differs", path=str(target), count=len(found.differences), files=named)
    return found.digest


def _statement(where: Path) -> Mapping[str, Any]:
    """Read what a bundle states, once the library has found that its signature holds."""
    try:
        bundle = json.loads(where.read_bytes())
        statement: dict[str, Any] = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        _ = statement["predicate"]["resources"], statement["predicate"]["serialization"], statement["subject"][0]
    except (OSError, ValueError, KeyError, IndexError, TypeError, binascii.Error) as error:
        raise Tampered("deploy.signing:signature-invalid", path=str(where)) from error
    return statement


def _place(target: Path) -> Path:
    return _beside(target, SIGNATURE)


def _beside(target: Path, name: str) -> Path:
    return target / name if target.is_dir() else target.with_name(f"{target.name}.{name.partition('.')[2]}")


def _demand(target: Path) -> None:
    if not target.is_dir() and not target.is_file():
        raise InputError("deploy.signing:not-there", field="target", path=str(target))


def _demand_signature(where: Path) -> None:
    try:
        about = where.stat()
    except OSError as error:
        raise InputError("deploy.signing:no-signature", field="signature", path=str(where)) from error
    if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
        raise InputError("deploy.signing:no-signature", field="signature", path=str(where))


def _library(name: str) -> ModuleType:
    """Import one module of the library, on first use: it is an extra, and heavy."""
    os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "upb")
    try:
        import model_signing  # noqa: PLC0415 - an extra
        from model_signing import hashing, signing, verifying  # noqa: F401, PLC0415
    except ImportError as error:
        raise Unavailable("deploy.signing:no-extra") from error
    module: ModuleType = getattr(model_signing, name)
    return module
