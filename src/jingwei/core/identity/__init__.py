"""Identity: who is acting, how they proved it, and which roles they hold.

Local accounts with argon2id passwords and TOTP codes; browser sessions; keys for programs. Everything a person could
guess at is slowed by a waiting time that is computed from the count of failures, for known and unknown names alike.

Sign-in through an organisation's own identity provider (OIDC) takes its place beside `Accounts.sign_in`: a module
`oidc.py` that ends, like it, in `BrowserSessions.open` for an account whose `login` is the provider's subject. Roles
stay here: a provider says who somebody is, never what they may sign.
"""

from jingwei.core.identity.accounts import Account, Accounts, Bootstrapped
from jingwei.core.identity.actor import PLATFORM, SIGNING_ROLES, Actor, Role
from jingwei.core.identity.browser import BrowserSession, BrowserSessions, Visitor
from jingwei.core.identity.keys import ApiKey, ApiKeys, KeyHolder, NewKey
from jingwei.core.identity.proof import Denied, Reauthentication
from jingwei.core.identity.roles import Grant, Roles, roles_of
from jingwei.core.identity.totp import TotpOffer

__all__ = [
    "PLATFORM",
    "SIGNING_ROLES",
    "Account",
    "Accounts",
    "Actor",
    "ApiKey",
    "ApiKeys",
    "Bootstrapped",
    "BrowserSession",
    "BrowserSessions",
    "Denied",
    "Grant",
    "KeyHolder",
    "NewKey",
    "Reauthentication",
    "Role",
    "Roles",
    "TotpOffer",
    "Visitor",
    "roles_of",
]
