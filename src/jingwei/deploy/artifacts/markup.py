"""XML of models: OpenVINO's network, PMML, pictures. Read as a stream; whatever declares an entity is refused."""

import re
from xml.parsers import expat

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.globals import Standing, standing
from jingwei.deploy.artifacts.notes import Notes

_DEEPEST = 200
_MOST = 2_000_000
_SEPARATOR = "\x1f"
"""What no document may hold; a name of a namespace that held it would be refused, however sound the document is."""
_OPSETS = re.compile(
    r"opset\d+|experimental|ie_internal_opset|util|type_relaxed_opset|gpu_opset|SnippetsOpset|CPUOpset"
)
_JAVA = re.compile(r"(?:[a-z_]\w*\.){1,}[A-Z]\w*")
_KNOWN_JAVA = re.compile(r"(org\.jpmml|net\.razorvine|numpy|sklearn|x-)\b")
_SCRIPTED = re.compile(r"^(javascript|vbscript|data:text/html)\s*:", re.IGNORECASE)


class _StopError(Exception):
    """Enough was seen."""


class _Reader:
    """Takes the events of one document."""

    def __init__(self, path: str, notes: Notes) -> None:
        self.path, self.notes = path, notes
        self.parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.EntityDeclHandler = self.entity
        self.parser.ExternalEntityRefHandler = self.outside
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.ProcessingInstructionHandler = self.instruction
        self.depth = self.count = 0
        self.root = ""

    def doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:
        """A document type that lies elsewhere is fetched by careless readers."""
        _ = name, internal
        if system and not (public or "").startswith("-//W3C//DTD SVG"):
            self.notes.find("markup.outside", self.path, self.parser.CurrentByteIndex, name=system)

    def entity(self, name: str, *declared: object) -> None:
        """No model needs entities of its own: they read files, or grow until memory is gone."""
        told = " ".join(each for each in declared if isinstance(each, str))
        self.notes.find("markup.entity", self.path, self.parser.CurrentByteIndex, name=f"{name} = {told}")
        raise _StopError

    def outside(self, context: str, base: str | None, system: str | None, public: str | None) -> int:
        """Never follow anything."""
        _ = context, base, public
        self.notes.find("markup.outside", self.path, self.parser.CurrentByteIndex, name=system or "")
        return 0

    def instruction(self, target: str, data: str) -> None:
        """A style sheet is a program."""
        if target == "xml-stylesheet":
            self.notes.find("markup.outside", self.path, self.parser.CurrentByteIndex, severity=Severity.LOW, name=data)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Judge an element."""
        self.depth += 1
        self.count += 1
        if self.depth > _DEEPEST or self.count > _MOST:
            self.notes.gap("gap-depth", self.path, limit=_DEEPEST)
            raise _StopError
        namespace, _, local = name.rpartition(_SEPARATOR)
        self.root = self.root or local
        at = self.parser.CurrentByteIndex
        if local == "include" and "XInclude" in namespace:
            self.notes.find("markup.outside", self.path, at, name=attributes.get("href", ""))
        elif self.root == "net" and local == "layer":
            self.layer(attributes, at)
        elif self.root == "PMML":
            self.pmml(local, attributes, at)
        if local == "script" or any(
            key.lower().startswith("on") or _SCRIPTED.match(value) for key, value in attributes.items()
        ):
            self.notes.find("markup.script", self.path, at, name=local)

    def end(self, name: str) -> None:
        """Go up."""
        _ = name
        self.depth -= 1

    def layer(self, attributes: dict[str, str], at: int) -> None:
        """An OpenVINO layer of no known set needs a library from elsewhere."""
        version = attributes.get("version", "opset1")
        if not _OPSETS.fullmatch(version):
            self.notes.find("openvino.extension", self.path, at, name=f"{version}::{attributes.get('type', '')}")

    def pmml(self, local: str, attributes: dict[str, str], at: int) -> None:
        """A PMML function that is called like a Java class is loaded as one."""
        function = attributes.get("function", "") if local == "Apply" else ""
        dangerous = "." in function and standing(*function.rpartition(".")[::2]) is Standing.DANGEROUS
        java = _JAVA.fullmatch(function.removeprefix("x-")) or re.match(r"(java|javax|sun|jdk)\.", function)
        if dangerous or (java and not _KNOWN_JAVA.match(function)):
            self.notes.find("pmml.java-class", self.path, at, name=function)
        if local in {"ScriptTask", "Script"}:
            self.notes.find("markup.script", self.path, at, name=local)


def scan_markup(text: str, path: str, notes: Notes) -> None:
    """Examine an XML text."""
    reader = _Reader(path, notes)
    try:
        reader.parser.Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003 - the parser's own signature
    except _StopError:
        pass
    except (expat.ExpatError, ValueError):
        notes.gap("gap-markup", path)
    names = {"net": "openvino", "PMML": "pmml", "svg": "picture"}
    if reader.root in names:
        notes.format(names[reader.root])
