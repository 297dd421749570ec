"""A form as an HTML page: works without scripts, says what is wrong beside the field, and forgets nothing that was typed."""

from collections.abc import Mapping, Sequence
from html import escape
from string import Template
from urllib.parse import quote

from cordboard.events.policy import Form, FormField
from cordboard.gateway.form.form import KEY, TRAP
from cordboard.gateway.form.words import PHRASES, label, say
from cordboard.gateway.page import read_page
from cordboard.gateway.posts import Problem

_TYPES = {"email": "email", "phone": "tel", "date": "date", "number": "text"}
_AUTOCOMPLETE = {"email": "email", "phone": "tel"}


class FormPage:
    """Makes pages out of pages/form.html. `headers` go with each."""

    def __init__(self) -> None:
        html, headers = read_page("form.html", form_action="'self'", cache="no-store")
        self.headers = headers | {"vary": "accept-language"}
        self._frame = Template(html)

    def blank(
        self,
        form: Form,
        language: str,
        key: str,
        values: Mapping[str, object] | None = None,
        problems: Sequence[Problem] = (),
        notice: str = "",
        step: str = "",
    ) -> str:
        """The form, with what was filled in before and what is wrong with it. `key` makes sending it twice harmless. `step`: the
        secret of who may choose it instead of waiting."""
        fields = "\n".join(_field(field, language, (values or {}).get(field.name), problems) for field in form.fields)
        body = (
            f"{_notice(notice)}{_summary(form, language, problems)}"
            f'<form method="post" action="{escape(_query(language, step))}" accept-charset="utf-8">\n'
            f'<input type="hidden" name="{KEY}" value="{escape(key)}">\n'
            f'<div class="unseen" aria-hidden="true"><label for="trap">{escape(say(language, "empty"))}</label>'
            f'<input id="trap" name="{TRAP}" tabindex="-1" autocomplete="off"></div>\n'
            f'{fields}\n<button type="submit">{escape(say(language, "send"))}</button>\n</form>'
        )
        return self._page(form, language, body)

    def thanks(self, form: Form, language: str, contact: str) -> str:
        """It has arrived."""
        body = (
            f'<p role="status"><strong>{escape(say(language, "thanks"))}.</strong> {escape(say(language, "received"))} '
            f"<code>{escape(contact)}</code></p>\n"
            f'<p><a href="?lang={escape(language)}">{escape(say(language, "another"))}</a></p>'
        )
        return self._page(form, language, body)

    def _page(self, form: Form, language: str, body: str) -> str:
        title = escape(label(form.labels, language, form.name))
        return self._frame.substitute(lang=escape(language), title=title, languages=_languages(form, language), body=body)


def _query(language: str, step: str) -> str:
    return f"?lang={quote(language)}" + (f"&step={quote(step)}" if step else "")


def _languages(form: Form, language: str) -> str:
    others = [tag for tag in form.labels if tag in PHRASES]
    if len(others) < 2:
        return ""
    links = "".join(
        f'<li><a href="?lang={tag}" hreflang="{tag}"{" aria-current=true" if tag == language else ""}>{tag}</a></li>'
        for tag in map(escape, others)
    )
    return f'<nav aria-label="{" ".join(others)}"><ul>{links}</ul></nav>'


def _notice(notice: str) -> str:
    return f'<p class="wrong" role="alert">{escape(notice)}</p>\n' if notice else ""


def _summary(form: Form, language: str, problems: Sequence[Problem]) -> str:
    if not problems:
        return ""
    names = {field.name: label(field.labels, language, field.name) for field in form.fields}
    lines = "".join(
        f'<li><a href="#field-{escape(problem.field)}">{escape(names[problem.field])}</a> {escape(problem.message)}</li>'
        if problem.field in names
        else f"<li>{escape(problem.field)} {escape(problem.message)}</li>"
        for problem in problems
    )
    return f'<div class="wrong" role="alert"><p>{escape(say(language, "wrong"))}</p><ul>{lines}</ul></div>\n'


def _field(field: FormField, language: str, value: object, problems: Sequence[Problem]) -> str:
    name, mine = escape(field.name), [problem for problem in problems if problem.field == field.name]
    text = label(field.labels, language, field.name)
    required = f" <small>({escape(say(language, 'required'))})</small>" if field.required else ""
    attributes = f'id="field-{name}" name="{name}"'
    if field.required:
        attributes += " required"
    if mine:
        attributes += f' aria-invalid="true" aria-describedby="problem-{name}"'
    told = f'\n<p class="problem" id="problem-{name}">{escape(" ".join(problem.message for problem in mine))}</p>' if mine else ""
    control = _control(field, language, attributes, value if isinstance(value, str) else "")
    return f'<div>\n<label for="field-{name}">{escape(text)}{required}</label>\n{control}{told}\n</div>'


def _control(field: FormField, language: str, attributes: str, value: str) -> str:
    if field.kind == "choice":
        options = "".join(
            f'<option value="{escape(name)}"{" selected" if name == value else ""}>{escape(label(labels, language, name))}</option>'
            for name, labels in field.choices.items()
        )
        return f'<select {attributes}><option value="">{escape(say(language, "choose"))}</option>{options}</select>'
    if field.kind == "checkbox":
        return f'<input type="checkbox" {attributes} value="true"{" checked" if value == "true" else ""}>'
    attributes += f' maxlength="{field.max_length}"'
    if field.kind == "long_text":
        # The first line end after the tag is not part of the text.
        return f"<textarea {attributes}>\n{escape(value)}</textarea>"
    complete = "name" if field.role == "name" else _AUTOCOMPLETE.get(field.kind, "")
    if complete:
        attributes += f' autocomplete="{complete}"'
    if field.kind == "number":
        attributes += ' inputmode="decimal"'
    return f'<input type="{_TYPES.get(field.kind, "text")}" {attributes} value="{escape(value)}">'
