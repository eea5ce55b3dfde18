"""People: signing in and out, one's own account, and everybody's for an administrator."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from jingwei.core.errors import JingweiError, Refused
from jingwei.core.identity import PLATFORM, Account, Denied, Grant, Role
from jingwei.faces.console import figures
from jingwei.faces.console.caller import (
    SESSION,
    Anybody,
    Asking,
    Caller,
    Posted,
    Sent,
    platform_of,
    problem,
    read_form,
    shows,
)  # fmt: skip
from jingwei.faces.console.rendering import Page
from jingwei.faces.console.security import demand_same_form, demand_same_site
from jingwei.faces.console.views.accounts import AccountLine, AccountsView, LoginView, OwnAccountView
from jingwei.faces.console.views.accounts import Grant as GrantLine
from jingwei.faces.console.views.parts import FRESH, Form, Problem
from jingwei.faces.console.visitor import Visitor
from jingwei.faces.console.wording import PACKAGE
from jingwei.platform import Work

router = APIRouter()
LOGIN_SECRET = "jingwei_login"  # noqa: S105 - name of a cookie
_LOGIN_SECONDS = 3600


@router.get("/login")
def login(request: Request, page: Anybody) -> Response:
    """Show the form to sign in."""
    return _login_page(request, page, LoginView(next_url=_inside(request.query_params.get("next", "")), form=FRESH))


def _login_page(request: Request, page: Page, view: LoginView, *, status: int = 200) -> Response:
    # Before there is a session, the form's secret lives in a cookie of its own: another site can set neither.
    secret = request.cookies.get(LOGIN_SECRET) or secrets.token_urlsafe(24)
    shown = Page(page.request, Visitor(csrf=secret))
    response = shown.render("login.html", status=status, view=view)
    response.set_cookie(LOGIN_SECRET, secret, max_age=_LOGIN_SECONDS, httponly=True, samesite="strict",
                        secure=request.url.scheme == "https")  # fmt: skip
    return response


@router.post("/login")
def sign_in(request: Request, page: Anybody, form: Annotated[FormData, Depends(read_form)]) -> Response:
    """Sign in and go where one wanted to."""
    demand_same_site(request.headers.get("sec-fetch-site", ""))
    demand_same_form(str(form.get("csrf", "")), request.cookies.get(LOGIN_SECRET, ""))
    sent = Sent({name: value for name, value in form.items() if isinstance(value, str)})
    wanted = _inside(sent["next"])
    problems = sent.missing("login", "password")
    if not problems:
        with platform_of(request).work(PLATFORM, "session.open") as work:
            found = work.accounts.sign_in(sent["login"], sent.values["password"], sent["code"])
        if not isinstance(found, Denied):
            response = RedirectResponse("/account" if found.must_change_password else wanted, 303)
            response.set_cookie(SESSION, found.token, httponly=True, samesite="strict",
                                secure=request.url.scheme == "https")  # fmt: skip
            response.delete_cookie(LOGIN_SECRET)
            return response
        problems = (problem(found.error(), otherwise="password"),)
    return _login_page(request, page, LoginView(next_url=wanted, form=sent.form(*problems)), status=422)


def _inside(wanted: str) -> str:
    """Keep an address within the console: another site's would make the sign-in page a lure."""
    is_path = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_path and "\n" not in wanted and "\r" not in wanted else "/"


@router.post("/logout")
def sign_out(request: Request, caller: Asking, sent: Posted) -> Response:  # noqa: ARG001 - checks the form's secret
    """Sign out."""
    with caller.work("session.close") as work:
        work.browsers.close(request.cookies.get(SESSION, ""))
    response = RedirectResponse("/login", 303)
    response.delete_cookie(SESSION)
    return response


def _account_line(account: Account, grants: list[Grant]) -> AccountLine:
    held = tuple(GrantLine(id=each.id, role=each.role, domain=each.domain) for each in grants
                 if each.account_id == account.id and each.revoked_at is None)  # fmt: skip
    return AccountLine(id=account.id, login=account.login, name=account.display_name, active=account.active,
                       has_code=account.has_totp, grants=held, created_at=account.created_at)  # fmt: skip


def own_view(caller: Asking) -> OwnAccountView:
    """Show one's own account."""
    with caller.reading() as work:
        return _own(work, caller, FRESH)


def _own(work: Work, caller: Caller, form: Form, *, secret: str = "", address: str = "") -> OwnAccountView:
    account = next(each for each in work.accounts.accounts() if each.id == caller.actor.id)
    return OwnAccountView(account=_account_line(account, work.roles.grants(account.id)), form=form,
                          enrolment_secret=secret, enrolment_address=address,
                          must_change=account.must_change_password)  # fmt: skip


router.add_api_route("/account", shows("account.html", own_view))


@router.post("/account")
def change_own(caller: Asking, sent: Posted) -> Response:
    """Change the password, or switch on one-time codes."""
    match sent["act"]:
        case "enrol":
            with caller.reading() as work:
                offer = work.accounts.offer_totp(caller.actor.id)
                view = _own(work, caller, FRESH, secret=offer.secret, address=offer.uri)
            return caller.page.render(
                "account.html", view=view, figures={"enrolment": figures.square(offer.uri, caller.wording)}
            )
        case "confirm":
            return _confirm(caller, sent)
        case _:
            return _change_password(caller, sent)


def _change_password(caller: Caller, sent: Sent) -> Response:
    problems = sent.missing("current", "password")
    if not problems:
        try:
            with caller.work("account.password") as work:
                denied = work.accounts.change_password(
                    caller.actor.id, sent.values["current"], sent.values["password"], code=sent["code"]
                )
            if denied is None:
                return RedirectResponse("/login", 303)  # every session has ended, this one too
            problems = (Problem(field="current", message=denied.error().message),)
        except JingweiError as error:
            problems = (Problem(field="password", message=error.message),)
    with caller.reading() as work:
        view = _own(work, caller, sent.form(*problems))
    return caller.page.render("account.html", status=422, view=view)


def _confirm(caller: Caller, sent: Sent) -> Response:
    problems = sent.missing("new_code", "enrol_password")
    if not problems:
        with caller.work("account.code") as work:
            denied = work.accounts.enrol_totp(caller.actor.id, secret=sent["secret"], new_code=sent["new_code"],
                                              password=sent.values["enrol_password"], code=sent["code"])  # fmt: skip
        if denied is None:
            return RedirectResponse("/account", 303)
        field = "new_code" if denied.reason == "code-wrong" else "enrol_password"
        problems = (Problem(field=field, message=denied.error().message),)
    with caller.reading() as work:
        view = _own(work, caller, sent.form(*problems), secret=sent["secret"])
    shown = {"enrolment": None}
    return caller.page.render("account.html", status=422, view=view, figures=shown)


def accounts_view(caller: Asking) -> AccountsView:
    """List every account, for an administrator."""
    return _accounts(caller, FRESH)


def _accounts(caller: Caller, form: Form) -> AccountsView:
    if "admin" not in caller.visitor.roles:
        raise Refused(f"{PACKAGE}:error.admins-only")
    with caller.reading() as work:
        grants = work.roles.grants()
        lines = tuple(_account_line(account, grants) for account in work.accounts.accounts())
    return AccountsView(accounts=lines, roles=tuple(role.value for role in Role), form=form)


router.add_api_route("/accounts", shows("accounts.html", accounts_view))


@router.post("/accounts")
def create(caller: Asking, sent: Posted) -> Response:
    """Make an account with its first role."""
    problems = sent.missing("login", "password", "domain")
    if not problems:
        try:
            with caller.work("account.create") as work:
                account = work.accounts.create(
                    sent["login"], sent.values["password"], actor=caller.actor, display_name=sent["name"]
                )
                work.roles.grant(account.id, sent["role"], domain=sent["domain"], actor=caller.actor)
            return RedirectResponse("/accounts", 303)
        except JingweiError as error:
            problems = (problem(error, otherwise="login"),)
    return caller.page.render("accounts.html", status=422, view=_accounts(caller, sent.form(*problems)))


@router.post("/accounts/{account_id}/roles")
def change_roles(account_id: str, caller: Asking, sent: Posted) -> Response:
    """Grant a role or take one back."""
    try:
        with caller.work(f"role.{'revoke' if sent['act'] == 'revoke' else 'grant'}") as work:
            if sent["act"] == "revoke":
                work.roles.revoke(sent["grant"], actor=caller.actor)
            else:
                work.roles.grant(account_id, sent["role"], domain=sent["domain"] or "*", actor=caller.actor)
    except JingweiError as error:
        return caller.page.render("accounts.html", status=422, view=_accounts(caller, Form(problems=(problem(error),))))
    return RedirectResponse("/accounts", 303)


@router.post("/accounts/{account_id}/close")
def close(account_id: str, caller: Asking, sent: Posted) -> Response:  # noqa: ARG001 - checks the form's secret
    """Close an account."""
    with caller.work("account.close") as work:
        work.accounts.deactivate(account_id, actor=caller.actor)
    return RedirectResponse("/accounts", 303)
