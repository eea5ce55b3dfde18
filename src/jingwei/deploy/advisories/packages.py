"""From a component of a BOM to the package that advisories name, by its package URL or its name."""

import re
from urllib.parse import unquote

from packageurl import PackageURL

from jingwei.deploy.advisories.matching import Package
from jingwei.deploy.advisories.naming import component_name
from jingwei.deploy.advisories.osv import package_name
from jingwei.deploy.bom import Component

_ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm", "golang": "Go", "cargo": "crates.io", "maven": "Maven", "conda": "PyPI",
               "nuget": "NuGet", "gem": "RubyGems", "composer": "Packagist", "hex": "Hex", "pub": "Pub",
               "swift": "SwiftURL", "generic": "AI", "docker": "AI", "oci": "AI"}  # fmt: skip
_DISTRIBUTIONS = {"debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine", "wolfi": "Wolfi",
                  "chainguard": "Chainguard", "rocky": "Rocky Linux", "almalinux": "AlmaLinux", "rhel": "Red Hat",
                  "opensuse": "openSUSE", "sles": "SUSE", "openeuler": "openEuler", "mageia": "Mageia"}  # fmt: skip
_SIMPLE = re.compile(r"pkg:pypi/([A-Za-z0-9._-]+)(?:@[A-Za-z0-9.!-]*)?")
"""What nearly every package URL of a Python library looks like; read without the library that reads all of them."""
_JOINED = {"npm": "/", "golang": "/", "maven": ":", "composer": "/", "swift": "/"}


def package_of(component: Component) -> Package | None:
    """Return the package that a component is; none where nothing could have an advisory about it."""
    url = component.package_url
    simple = _SIMPLE.fullmatch(url)
    if simple:
        return Package("PyPI", package_name("PyPI", simple[1]), component.version)
    if not url and component.kind in {"service", "tool", "agent"}:
        return Package("AI", component_name(component.name), component.version)
    try:
        purl = PackageURL.from_string(url)
    except ValueError:
        return None
    return _named(component, purl)


def _named(component: Component, purl: PackageURL) -> Package | None:
    if purl.type in {"deb", "apk", "rpm"}:
        return _distribution(component, purl)
    ecosystem = _ECOSYSTEMS.get(purl.type, "")
    if not ecosystem:
        return None
    if ecosystem == "AI":
        return Package("AI", component_name(purl.name), component.version)
    joined = _JOINED.get(purl.type)
    name = f"{purl.namespace}{joined}{purl.name}" if purl.namespace and joined else purl.name
    return Package(ecosystem, package_name(ecosystem, unquote(name)), component.version)


def _distribution(component: Component, purl: PackageURL) -> Package | None:
    name, _, release = str(dict(purl.qualifiers).get("distro") or "").partition("-")
    ecosystem = _DISTRIBUTIONS.get(name or str(purl.namespace or ""))
    if ecosystem is None:
        return None
    if ecosystem == "Alpine":
        release = "v" + ".".join(release.lstrip("v").split(".")[:2]) if release else ""
    elif ecosystem in {"Debian", "Rocky Linux", "AlmaLinux"}:
        release = release.split(".")[0]
    where = f"{ecosystem}:{release}" if release and ecosystem not in {"Wolfi", "Chainguard"} else ecosystem
    source, version = component.facts.get("source", ""), component.facts.get("source-version", "")
    return Package(where, source or purl.name, version or component.version)
