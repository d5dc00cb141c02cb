"""Prompt templates: files of `prompts/`, one drafting strategy each.

A template is `prompts/<name>.md.j2`: a YAML header between two `---` lines that declares

    purpose     one sentence, shown to the user
    variables   name of each variable the text uses, no more and no fewer, and what it holds
    output      the form of the reply that the text asks for

and then chat messages, each under a heading line `# system`, `# user` or `# assistant`. The text
is split into messages before anything is rendered, so an explanation that holds such a heading
stays inside its message; and it is data to Jinja, so `{{ … }}` inside it is never evaluated.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import jinja2
import jinja2.meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import ValidationError

from workbench.domain.canonical import Frozen
from workbench.domain.distortion import Distortion
from workbench.domain.finding import Finding
from workbench.errors import TemplateError, UnknownNameError
from workbench.settings import resource
from workbench.text_files import TextFault, read_yaml

SUFFIX = ".md.j2"

Messages = tuple[dict[str, str], ...]

_HEADING = re.compile(r"^# (system|user|assistant)[ \t]*$", re.M)
_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)


class _Header(Frozen):
    purpose: str
    variables: dict[str, str]
    output: str


@dataclass(frozen=True)
class PromptTemplate:
    """One drafting strategy.

    Attributes:
        name: File name without its suffix.
        text: The whole file.
        hash: SHA-256 of the text, 64 hexadecimal digits.
        purpose: What it is for, from the header.
        variables: Variable to what it holds, from the header.
        output: The form of reply it asks for, from the header.
    """

    name: str
    text: str
    hash: str
    purpose: str
    variables: dict[str, str]
    output: str


def template_names(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of all templates, sorted.

    Args:
        folder: Where to look; the project's `prompts/` if left out.

    Example:
        >>> "few_shot" in template_names()
        True
    """
    return tuple(
        sorted(path.name.removesuffix(SUFFIX) for path in _folder(folder).glob(f"*{SUFFIX}"))
    )


def load_template(name: str, folder: Path | None = None) -> PromptTemplate:
    """Read a template and its header.

    Args:
        name: One of `template_names()`.
        folder: Where to look; the project's `prompts/` if left out.

    Raises:
        UnknownNameError: No such template; says which one was meant.
        TemplateError: The file has no header, a faulty one, or no message; the text is not valid
            Jinja, or uses other variables than the header declares.

    Example:
        >>> load_template("paper").variables["k_word"]
        'number of attributes, in words'
    """
    names = template_names(folder)
    if name not in names:
        raise UnknownNameError("template", name, names)
    try:
        text = (_folder(folder) / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"Template '{name}' cannot be read: {error}.") from error
    header = _header(name, text)
    if not _HEADING.search(text):
        raise TemplateError(f"Template '{name}' holds no message; start one with '# user'.")
    _check_variables(name, text, header.variables)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return PromptTemplate(name=name, text=text, hash=digest, **header.model_dump())


@dataclass(frozen=True)
class PromptContext:
    """What of the rest of a set a template may show the model.

    Attributes:
        neighbours: Distortions that are easily taken for the one in question.
        phrases: The attributes that it has so far.
        findings: What lint has to say about them.
        kept: Those that did well when they were measured.
        evidence: Those that did not, each with what was measured, in words.
        tried: What was tried in their place and did no better.
    """

    neighbours: tuple[Distortion, ...] = ()
    phrases: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    kept: tuple[str, ...] = ()
    evidence: tuple[tuple[str, str], ...] = ()
    tried: tuple[str, ...] = ()


NO_CONTEXT = PromptContext()


def render(
    template: PromptTemplate, distortion: Distortion, k: int, context: PromptContext = NO_CONTEXT
) -> Messages:
    """Return the chat messages that ask for K attributes of a distortion.

    Args:
        template: The strategy.
        distortion: Its name and explanation enter as data.
        k: How many attributes are asked for, ≥ 1.
        context: The rest of the set; it enters as data, too.

    Returns:
        Messages in order, each {"role", "content"}.

    Raises:
        TemplateError: A variable is missing or does not fit; names the template, the line and the
            variable.

    Example:
        >>> haze = Distortion(id="x", name="Haze", group="blur", source="", explanation="A veil.")
        >>> render(load_template("paper"), haze, 5)[0]["content"].splitlines()[-1]
        'Haze: A veil.'
    """
    variables = _variables(distortion, k, context)
    return tuple(
        {"role": role, "content": _render_message(template.name, source, variables)}
        for role, source in _messages(template.text)
    )


def _render_message(name: str, source: str, variables: dict[str, Any]) -> str:
    try:
        return _ENVIRONMENT.from_string(source).render(variables).strip()
    except jinja2.UndefinedError as error:
        message = f"{error.message} (offered: {', '.join(sorted(variables))})"
        raise _fault(name, _line(error.__traceback__), message) from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise _fault(name, _line(error.__traceback__), str(error)) from error


def _fault(name: str, line: int, message: str) -> TemplateError:
    return TemplateError(f"Template '{name}', line {line}: {message.rstrip('.')}.")


def _folder(folder: Path | None) -> Path:
    return resource("prompts") if folder is None else folder


def _header(name: str, text: str) -> _Header:
    parts = text.split("---\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise TemplateError(f"Template '{name}' has no header; open it with a '---' block.")
    try:
        return _Header.model_validate(read_yaml(parts[1]))
    except TextFault as error:
        raise TemplateError(f"Template '{name}' has a header that is no YAML: {error}.") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise TemplateError(f"Template '{name}' has a faulty header: {faults}.") from error


def _check_variables(name: str, text: str, declared: Mapping[str, str]) -> None:
    """Refuse a text that uses what the header does not declare, and a header that says too much."""
    used: set[str] = set()
    for _, source in _messages(text):
        try:
            tree = _ENVIRONMENT.parse(source)
            free = jinja2.meta.find_undeclared_variables(tree)
        except jinja2.TemplateSyntaxError as error:
            raise _fault(name, error.lineno, error.message or "syntax error") from error
        except RecursionError as error:
            raise _fault(name, source.count("\n") + 1, "nested too deeply") from error
        for variable in tree.find_all(jinja2.nodes.Name):
            if variable.name in free - set(declared):
                raise _fault(
                    name, variable.lineno, f"'{variable.name}' is not declared in the header"
                )
        used |= free
    idle = sorted(set(declared) - used)
    if idle:
        unused = ", ".join(f"'{word}'" for word in idle)
        raise TemplateError(f"Template '{name}' declares {unused} and does not use it.")


def _messages(text: str) -> list[tuple[str, str]]:
    """Split into (role, source); each source keeps its line numbers by leading blank lines."""
    headings = list(_HEADING.finditer(text))
    ends = [match.start() for match in headings[1:]] + [len(text)]
    return [
        (match[1], "\n" * text.count("\n", 0, match.end()) + text[match.end() : end])
        for match, end in zip(headings, ends, strict=True)
    ]


def _variables(distortion: Distortion, k: int, context: PromptContext) -> dict[str, Any]:
    strongest = f"{distortion.parameter}: {distortion.levels[-1]:g}" if distortion.levels else ""
    return {
        "name": _one_line(distortion.name),
        "explanation": _one_line(distortion.explanation),
        "group": distortion.group,
        "strongest": _one_line(strongest),
        "neighbours": [
            {"name": _one_line(other.name), "explanation": _one_line(other.explanation)}
            for other in context.neighbours
        ],
        "phrases": [_one_line(phrase) for phrase in context.phrases],
        "findings": [
            {"phrase": _one_line(finding.phrase), "reason": _one_line(finding.reason)}
            for finding in context.findings
        ],
        "kept": [_one_line(phrase) for phrase in context.kept],
        "evidence": [
            {"phrase": _one_line(phrase), "words": _one_line(words)}
            for phrase, words in context.evidence
        ],
        "tried": [_one_line(phrase) for phrase in context.tried],
        "k": k,
        "k_word": _NUMBER_WORDS[k - 1] if 1 <= k <= len(_NUMBER_WORDS) else str(k),
    }


def _one_line(text: str) -> str:
    """Make a text harmless as part of a prompt: one line, no control or chat-control characters.

    Chat models mark turns with tokens such as `<|im_start|>`; a server reads them inside a message
    as well, so the mark is broken up. The words themselves stay as the user wrote them.
    """
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return " ".join(spaced.split()).replace("<|", "< |").replace("|>", "| >")


def _line(traceback: TracebackType | None) -> int:
    """Return the line of the template in which an error arose; Jinja puts it on the traceback."""
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
