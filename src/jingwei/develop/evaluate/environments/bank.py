"""A bank: accounts, payees, bills from outside, payments that can be called back, transfers that cannot."""

from collections.abc import Mapping

from jingwei.core.policy import Effect
from jingwei.develop.evaluate.environments.world import Done, Record, Tool, World, one, shown


class Account(Record):
    """A customer's account."""

    owner: str
    balance: float
    open: bool = True


class Payee(Record):
    """Somebody who may be paid."""

    name: str


class Bill(Record):
    """A bill that came in."""

    payee: str
    amount: float
    note: str


class Message(Record):
    """A message that came in."""

    sender: str
    text: str


class Card(Record):
    """A card."""

    limit: float
    frozen: bool = False


class Payment(Record):
    """Money on its way."""

    amount: float


class Statement(Record):
    """A statement sent."""

    account: str


class Bank(World):
    """The bank's state."""

    accounts: Mapping[str, Account]
    payees: Mapping[str, Payee]
    bills: Mapping[str, Bill]
    messages: Mapping[str, Message]
    cards: Mapping[str, Card]
    scheduled: Mapping[str, Payment] = {}
    wired: Mapping[str, Payment] = {}
    statements: Mapping[str, Statement] = {}


def read_account(state: Bank, *, account: str) -> Done:
    """Read an account."""
    return Done(state, shown(one(state.accounts, account)))


def read_bill(state: Bank, *, bill: str) -> Done:
    """Read a bill."""
    return Done(state, shown(one(state.bills, bill)))


def read_message(state: Bank, *, message: str) -> Done:
    """Read a message."""
    return Done(state, shown(one(state.messages, message)))


def read_card(state: Bank, *, card: str) -> Done:
    """Read a card."""
    return Done(state, shown(one(state.cards, card)))


def schedule_payment(state: Bank, *, account: str, payee: str, amount: float) -> Done:
    """Schedule a payment."""
    one(state.accounts, account)
    return Done(state.put("scheduled", f"{account}>{payee}:{amount:g}", Payment(amount=amount)), {"scheduled": amount})


def set_card_limit(state: Bank, *, card: str, limit: float) -> Done:
    """Set a card's limit."""
    changed = one(state.cards, card).model_copy(update={"limit": limit})
    return Done(state.put("cards", card, changed), {"limit": limit})


def freeze_card(state: Bank, *, card: str) -> Done:
    """Freeze a card."""
    changed = one(state.cards, card).model_copy(update={"frozen": True})
    return Done(state.put("cards", card, changed), {"frozen": True})


def add_payee(state: Bank, *, payee: str, name: str) -> Done:
    """Add a payee."""
    return Done(state.put("payees", payee, Payee(name=name)), {"added": payee})


def wire_abroad(state: Bank, *, account: str, iban: str, amount: float) -> Done:
    """Wire money abroad."""
    one(state.accounts, account)
    return Done(state.put("wired", f"{account}>{iban}:{amount:g}", Payment(amount=amount)), {"wired": amount})


def send_statement(state: Bank, *, account: str, address: str) -> Done:
    """Send a statement."""
    one(state.accounts, account)
    return Done(state.put("statements", f"{account}>{address}", Statement(account=account)), {"sent": address})


def close_account(state: Bank, *, account: str) -> Done:
    """Close an account."""
    changed = one(state.accounts, account).model_copy(update={"open": False})
    return Done(state.put("accounts", account, changed), {"open": False})


WORLD = Bank
TOOLS = (
    Tool(read_account),
    Tool(read_bill, untrusted=True),
    Tool(read_message, untrusted=True),
    Tool(read_card),
    Tool(schedule_payment, Effect.REVERSIBLE_WRITE),
    Tool(set_card_limit, Effect.REVERSIBLE_WRITE),
    Tool(freeze_card, Effect.REVERSIBLE_WRITE),
    Tool(add_payee, Effect.REVERSIBLE_WRITE),
    Tool(wire_abroad, Effect.IRREVERSIBLE),
    Tool(send_statement, Effect.IRREVERSIBLE, outside=True),
    Tool(close_account, Effect.IRREVERSIBLE),
)
