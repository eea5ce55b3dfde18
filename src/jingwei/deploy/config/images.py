"""Images without an engine: `docker save` archives, OCI layouts as folder or archive, and root folders."""

import gzip
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from jingwei.core.text import Both, text
from jingwei.deploy.config.image_judgement import judge_configuration, judge_contents
from jingwei.deploy.config.layers import Contents, LayerError, read_layer
from jingwei.deploy.config.rootfs import is_root, read_root
from jingwei.deploy.config.rule import seen
from jingwei.deploy.config.signatures import PublicKey, Signed, public_key, signatures
from jingwei.deploy.config.store import Archive, Folder, digest_of, json_of
from jingwei.deploy.config.workload import Note
from jingwei.deploy.scanned import Scanned, plain

_MOST_IMAGES = 50


class Store(Protocol):
    """Where an image's parts lie."""

    def small(self, name: str) -> bytes | None:
        """Return a small part, or none."""
        ...

    def open(self, name: str) -> IO[bytes] | None:
        """Open a part to be read in order."""
        ...


class Image(NamedTuple):
    """One image of a store."""

    name: str
    digest: str
    configuration: dict[str, Any]
    layers: list[str]
    """Names of the parts, in order."""


def is_image(root: Path) -> bool:
    """Tell whether a path is an image or the root folder of one."""
    if root.is_dir():
        return (root / "oci-layout").is_file() or is_root(root) or _saved(root)
    if not root.is_file() or root.stat().st_size < 20:
        return False
    try:
        with tarfile.open(root) as archive:
            names = {member.name.removeprefix("./") for _, member in zip(range(400), archive, strict=False)}
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError):
        return False
    return bool(names & {"oci-layout", "manifest.json", "etc/os-release", "usr/lib/os-release"})


def _saved(root: Path) -> bool:
    manifest = root / "manifest.json"
    return manifest.is_file() and b'"Layers"' in manifest.read_bytes()[:100_000]


def scan_image(root: Path, *, public_key: str, most_unpacked: int) -> Iterator[Scanned]:
    """Scan every image of a store, or one root folder.

    Raises:
        InputError: the public key is none.
    """
    key = _key(public_key)
    if root.is_dir() and is_root(root):
        contents = read_root(root)
        yield _scanned(root.name, Image(root.name, "", {}, []), contents, [], [])
        return
    try:
        with _opened(root, most_unpacked) as store:
            yield from _images(root.name, store, key, [most_unpacked])
    except (tarfile.TarError, OSError, EOFError, zlib.error, LayerError, ValueError) as error:
        yield Scanned(
            path=plain(root.name), format="image", gaps=(_gap("gap-image", root.name, name=type(error).__name__),)
        )


def _key(path: str) -> PublicKey | None:
    return public_key(path) if path else None


def _gap(key: str, place: str, /, **values: object) -> Both:
    return text(f"deploy.config:{key}").format(path=plain(place), **values)


@contextmanager
def _opened(root: Path, most: int) -> Iterator[Store]:
    if root.is_dir():
        yield Folder(root)
        return
    with root.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    if not packed:
        with tarfile.open(root, "r:") as archive:
            yield Archive(archive)
        return
    with tempfile.TemporaryFile() as plain_file:
        with gzip.open(root) as stream:
            left = most
            while chunk := stream.read(1 << 20):
                left -= len(chunk)
                if left < 0:
                    raise LayerError("limit")
                plain_file.write(chunk)
        plain_file.seek(0)
        with tarfile.open(fileobj=plain_file, mode="r:") as archive:
            yield Archive(archive)


def _images(name: str, store: Store, key: PublicKey | None, budget: list[int]) -> Iterator[Scanned]:
    images, signed, notes = _listed(store, key)
    if not images:
        yield Scanned(path=plain(name), format="image", gaps=(_gap("gap-image", name, name="index"),))
        return
    for image in images[:_MOST_IMAGES]:
        contents = Contents()
        gaps: list[Both] = []
        found = list(notes)
        for number, layer in enumerate(image.layers):
            gap, reason = _layer(store, layer, number, contents=contents, budget=budget)
            if gap:
                gaps.append(_gap(gap, name, name=reason, limit=reason))
            if _altered(store, layer):
                found.append(Note("config.digest-differs", 0, layer))
        found += _signed(image, signed, key, gaps=gaps, name=name)
        yield _scanned(name if len(images) == 1 else f"{name}!{image.name}", image, contents, found, gaps)


def _layer(store: Store, layer: str, number: int, *, contents: Contents, budget: list[int]) -> tuple[str, str]:
    """Read one layer; return the gap it leaves and why, or nothing."""
    stream = store.open(layer)
    if stream is None:
        return "gap-image", layer[:80]
    try:
        with stream:
            read_layer(stream, number, contents, budget)
    except LayerError as error:
        reason = str(error)
        return {"zstd": "gap-compression", "limit": "gap-image-limit"}.get(reason, "gap-image"), reason
    return "", ""


def _altered(store: Store, layer: str) -> bool:
    """Tell whether a layer is not what its name says."""
    whole = store.open(layer) if "blobs/sha256/" in layer else None
    return whole is not None and digest_of(whole) != layer.rpartition("/")[2]


def _listed(store: Store, key: PublicKey | None) -> tuple[list[Image], list[Signed], list[Note]]:
    images: list[Image] = []
    signed: list[Signed] = []
    notes: list[Note] = []
    for entry in json_of(store.small("manifest.json"), list):
        if isinstance(entry, dict) and isinstance(entry.get("Layers"), list):
            names = entry.get("RepoTags") or [""]
            configuration = json_of(store.small(str(entry.get("Config", ""))), dict)
            images.append(Image(str(names[0]), "", configuration, [str(each) for each in entry["Layers"]]))
    waiting = _manifests(json_of(store.small("index.json"), dict))
    seen_digests: set[str] = set()
    while waiting and len(seen_digests) < 4 * _MOST_IMAGES:
        entry = waiting.pop(0)
        digest = str(entry.get("digest", ""))
        if digest in seen_digests:
            continue
        seen_digests.add(digest)
        raw = store.small(_blob(digest))
        manifest = json_of(raw, dict)
        waiting += _manifests(manifest)
        if raw is not None and digest.startswith("sha256:") and not _matches(raw, digest):
            notes.append(Note("config.digest-differs", 0, digest))
        found = list(signatures(manifest, lambda name: store.small(_blob(name)), key))
        signed += found
        if not found and isinstance(manifest.get("layers"), list) and not images:
            images += [_oci(entry, digest, manifest, store)] if "config" in manifest else []
        elif not found and images and not images[0].digest:
            images[0] = images[0]._replace(digest=digest)
    return images, signed, notes


def _manifests(index: dict[str, Any]) -> list[dict[str, Any]]:
    held = index.get("manifests")
    return [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []


def _matches(raw: bytes, digest: str) -> bool:
    return sha256(raw).hexdigest() == digest.removeprefix("sha256:")


def _oci(entry: dict[str, Any], digest: str, manifest: dict[str, Any], store: Store) -> Image:
    held = entry.get("annotations")
    notes = held if isinstance(held, dict) else {}
    configuration = json_of(store.small(_blob(str(manifest["config"].get("digest", "")))), dict)
    layers = [_blob(str(each.get("digest", ""))) for each in manifest["layers"] if isinstance(each, dict)]
    return Image(str(notes.get("org.opencontainers.image.ref.name", digest[:19])), digest, configuration, layers)


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/", 1)


def _signed(image: Image, signed: list[Signed], key: PublicKey | None, *, gaps: list[Both], name: str) -> list[Note]:
    ours = [each for each in signed if each.subject == image.digest or not each.subject]
    if any(each.holds is False for each in ours):
        return [Note("config.signature-broken", 0, image.name)]
    if key is not None and not any(each.holds for each in ours):
        strange = [each for each in signed if each.holds and each.subject != image.digest]
        return [Note("config.signature-broken" if strange else "config.unsigned", 0, image.name)]
    if key is None and ours:
        gaps.append(_gap("gap-keyless" if any(each.keyless for each in ours) else "gap-no-key", name))
    return []


def _scanned(name: str, image: Image, contents: Contents, notes: list[Note], gaps: list[Both]) -> Scanned:
    every = [*notes, *judge_configuration(image.configuration), *judge_contents(contents)]
    if contents.cut:
        gaps = [*gaps, _gap("gap-image-limit", name, limit=contents.members)]
    findings = []
    for note in every:
        path, _, line = note.what.partition("\0")
        place = f"{plain(name)}!{plain(path)}" if line else plain(name)
        told = Note(note.rule, note.line, path, note.group, note.severity, note.server)
        findings.append(seen(told, path=place, lines=[]))
    facts = {f"packages.{kind}": ", ".join(sorted(held))[:20_000] for kind, held in contents.packages.items()}
    facts |= {f"packages.{kind}.count": str(len(held)) for kind, held in contents.packages.items()}
    facts |= _facts(image, contents)
    digest = image.digest.removeprefix("sha256:")
    return Scanned(
        path=plain(name), sha256=digest, format="image", findings=tuple(findings), gaps=tuple(gaps), facts=facts
    )


def _facts(image: Image, contents: Contents) -> dict[str, str]:
    held = image.configuration.get("config")
    config = held if isinstance(held, dict) else {}
    named = config.get("Labels")
    labels = named if isinstance(named, dict) else {}
    facts = {name.rpartition(".image.")[2]: plain(value) for name, value in labels.items()
             if str(name).startswith("org.opencontainers.image.")}  # fmt: skip
    release = contents.files.get("etc/os-release") or contents.files.get("usr/lib/os-release")
    if release is not None:
        lines = release.content.decode("utf-8", errors="replace").splitlines()
        pretty = next((each for each in lines if each.startswith("PRETTY_NAME=")), "")
        facts["system"] = plain(pretty.partition("=")[2].strip('"'))
    facts |= {"image": plain(image.name), "digest": image.digest, "layers": str(len(image.layers)),
              "members": str(contents.members), "user": plain(config.get("User", ""))}  # fmt: skip
    return {name: value for name, value in facts.items() if value}
