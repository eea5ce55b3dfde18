"""Validators: the arithmetic that tells a real number from one that only looks like it."""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_PROVINCES = frozenset(
    str(code) for region in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (81, 83))
    for code in range(region[0], region[1] + 1)
)  # fmt: skip
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "QA": 29,
    "RO": 24, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26,
}  # fmt: skip


def cn_id_card(number: str) -> bool:
    """Check a mainland identity card: region, date of birth, check digit (GB 11643)."""
    number = number.upper()
    if number[:2] not in _PROVINCES or not _is_date(number[6:14]):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]


def _is_date(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return 1900 <= born.year <= 2100


def uscc(code: str) -> bool:
    """Check a unified social credit code (GB 32100)."""
    values = [_USCC_ALPHABET.find(character) for character in code.upper()]
    if min(values) < 0:
        return False
    total = sum(value * weight for value, weight in zip(values, _USCC_WEIGHTS, strict=False))
    return (31 - total % 31) % 31 == values[17]


def bank_card(number: str) -> bool:
    """Check a payment card: issuer range, length and Luhn digit."""
    digits = re.sub(r"[ -]", "", number)
    known = (
        (digits.startswith("62") and 16 <= len(digits) <= 19)
        or (digits[0] == "4" and len(digits) in {13, 16, 19})
        or ((51 <= int(digits[:2]) <= 55 or 2221 <= int(digits[:4]) <= 2720) and len(digits) == 16)
        or (digits[:2] in {"34", "37"} and len(digits) == 15)
        or (digits[:2] in {"30", "36", "38"} and len(digits) == 14)
        or (digits[:2] in {"35", "60", "65", "64"} and 16 <= len(digits) <= 19)
        or (digits[:2] in {"94", "95", "96", "99"} and len(digits) in {16, 19})
    )
    return known and len(set(digits)) > 1 and luhn(digits)


def luhn(number: str) -> bool:
    """Check the Luhn digit."""
    digits = [int(digit) for digit in reversed(number) if digit.isdigit()]
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def iban(number: str) -> bool:
    """Check an IBAN: the country's length and the remainder by 97."""
    plain = number.replace(" ", "").upper()
    if len(plain) != _IBAN_LENGTHS.get(plain[:2]):
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def us_ssn(number: str) -> bool:
    """Check that a US social security number can have been issued."""
    area, group, serial = number.split("-")
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def ipv4(address: str) -> bool:
    """Check that an address is a public one: private and reserved ones tell nothing about a person."""
    try:
        return ipaddress.IPv4Address(address).is_global
    except ValueError:
        return False


def taiwan_id(number: str) -> bool:
    """Check a Taiwan identity number."""
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".find(number[0].upper()) + 10
    digits = [letter // 10, letter % 10, *(int(digit) for digit in number[1:])]
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0


def hong_kong_id(number: str) -> bool:
    """Check a Hong Kong identity card number."""
    plain = re.sub(r"[()]", "", number).upper().rjust(9)
    values = [36 if character == " " else int(character, 36) for character in plain[:8]]
    check = (11 - sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True)) % 11) % 11
    return plain[8] == ("A" if check == 10 else str(check))


def random_looking(value: str) -> bool:
    """Tell a generated secret from a placeholder or a plain word: letters and digits mixed, few repeats."""
    kinds = {unicodedata.category(character)[:2] for character in value}
    varied = len(set(value)) >= min(8, len(value) // 2 + 1)
    return varied and "Nd" in kinds and bool(kinds & {"Ll", "Lu"})


VALIDATORS: Mapping[str, Callable[[str], bool]] = {
    each.__name__: each
    for each in (cn_id_card, uscc, bank_card, luhn, iban, us_ssn, ipv4, taiwan_id, hong_kong_id, random_looking)
}
