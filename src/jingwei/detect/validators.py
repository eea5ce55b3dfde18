"""Validators: the arithmetic that tells a real number from one that only looks like it."""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_MOBILE = re.compile(r"1(?:3\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}")
_NEITHER = re.compile("[^0-9A-Za-z]+")
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_PROVINCES = frozenset(
    str(code) for region in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (81, 83))
    for code in range(region[0], region[1] + 1)
)  # fmt: skip
_VERHOEFF = tuple(
    tuple((row + column) % 5 + 5 * ((row > 4) != (column > 4)) if row < 5 else (row - column) % 5 + 5 * (column < 5)
          for column in range(10)) for row in range(10)
)  # fmt: skip
"""Multiplication in the group of the pentagon's symmetries."""
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "QA": 29,
    "RO": 24, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26,
}  # fmt: skip


_SPOKEN = {chr(0x5E7A): 1, chr(0x25CB): 0}
"""What is read as a digit and that Unicode gives no value: the "one" of telephone numbers, and a plain circle."""
_LATEST_BIRTH = 2040


def plain_digits(number: str) -> str:
    """Return the digits of a number, written in figures or in Chinese, and the letters among them, in upper case."""
    if number.isascii():
        return number if number.isdigit() else _NEITHER.sub("", number).upper()
    values = (_SPOKEN.get(each, unicodedata.numeric(each, None)) for each in number)
    return "".join(
        str(int(value)) if value is not None else each.upper()
        for each, value in zip(number, values, strict=True)
        if value is not None or (each.isascii() and each.isalpha())
    )


def cn_id_card(number: str) -> bool:
    """Check a mainland identity card, of 18 or the former 15 digits: region, date of birth, check digit (GB 11643)."""
    number = plain_digits(number)
    if len(number) == 15:
        return number[:2] in _PROVINCES and _is_date(f"19{number[6:12]}")
    if len(number) != 18 or not number[:17].isdigit() or number[:2] not in _PROVINCES:
        return False
    return _is_date(number[6:14]) and _mod_11_2(number)


def cn_foreign_resident(number: str) -> bool:
    """Check a foreigner's permanent residence card: of 2023 by its check digit, of before by its date of birth."""
    if len(number) == 15:
        return _is_date(f"19{number[7:13]}")
    return number[1:3] in _PROVINCES and _is_date(number[6:14]) and _mod_11_2(number)


def _like_id_card(number: str) -> bool:
    """Tell a mistyped identity card, which is no card of another kind, by its region and date of birth."""
    return len(number) == 18 and number[:2] in _PROVINCES and number[:17].isdigit() and _is_date(number[6:14])


def _mod_11_2(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]


def _is_date(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return 1900 <= born.year <= _LATEST_BIRTH


def cn_mobile(number: str) -> bool:
    """Check a mainland mobile number: a range in use, with or without the country's code."""
    digits = plain_digits(number)
    digits = digits.removeprefix("00").removeprefix("86") if len(digits) > 11 else digits
    return _MOBILE.fullmatch(digits) is not None and len(set(digits[3:])) > 1


def cn_organisation_code(code: str) -> bool:
    """Check an organisation code (GB 11714)."""
    plain = code.replace("-", "")
    total = sum(int(each, 36) * weight for each, weight in zip(plain[:8], (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return plain[8] == "0123456789X0"[11 - total % 11]


def uscc(code: str) -> bool:
    """Check a unified social credit code (GB 32100)."""
    values = [_USCC_ALPHABET.find(character) for character in code.upper()]
    if min(values) < 0 or _like_id_card(code):
        return False
    total = sum(value * weight for value, weight in zip(values, _USCC_WEIGHTS, strict=False))
    return (31 - total % 31) % 31 == values[17]


def bank_card(number: str) -> bool:
    """Check a payment card: issuer range, length and Luhn digit."""
    digits = plain_digits(number)
    known = len(digits) in {14, 15, 16, 17, 18, 19} and (
        (digits.startswith("62") and 16 <= len(digits) <= 19)
        or (digits[0] == "4" and len(digits) in {16, 19})
        or ((51 <= int(digits[:2]) <= 55 or 2221 <= int(digits[:4]) <= 2720) and len(digits) == 16)
        or (digits[:2] in {"34", "37"} and len(digits) == 15)
        or (digits[:2] in {"30", "36", "38", "39"} and len(digits) == 14)
        or (digits[:2] in {"35", "60", "65", "64"} and 16 <= len(digits) <= 19)
        or (digits[:2] in {"50", "56", "57", "58", "63", "67", "68", "69"} and len(digits) in {16, 18, 19})
        or (digits[:2] in {"94", "95", "96", "99"} and len(digits) in {16, 19})
    )
    return known and len(set(digits)) > 1 and luhn(digits) and not _like_id_card(digits)


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
    digits = plain_digits(number)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def public_address(address: str) -> bool:
    """Check that an address is a public one: private and reserved ones tell nothing about a person."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def mac_address(address: str) -> bool:
    """Check that a MAC address is one device's: not broadcast, not empty, not counted up for an example."""
    octets = re.split("[:-]", address)
    return len(set(octets)) > 2 and int(octets[0], 16) % 2 == 0


def geo_position(pair: str) -> bool:
    """Check that two numbers can be a place on the Earth, in either order."""
    first, second = (abs(float(each)) for each in re.findall(r"\d+\.\d+", pair)[:2])
    return max(first, second) <= 180 and min(first, second) <= 90


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


def uk_nino(number: str) -> bool:
    """Check that the prefix of a UK national insurance number is one that is given out."""
    return number[:2] not in {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}


def br_cpf(number: str) -> bool:
    """Check the two check digits of a Brazilian CPF."""
    digits = [int(each) for each in plain_digits(number)]
    if len(set(digits)) == 1:
        return False
    checks = (sum(digit * (length + 1 - place) for place, digit in enumerate(digits[:length])) * 10 % 11 % 10
              for length in (9, 10))  # fmt: skip
    return list(checks) == digits[9:]


def in_aadhaar(number: str) -> bool:
    """Check the Verhoeff digit of an Indian Aadhaar number."""
    check = 0
    for place, digit in enumerate(reversed(plain_digits(number))):
        check = _VERHOEFF[check][_turned(place, int(digit))]
    return check == 0


def _turned(place: int, digit: int) -> int:
    for _ in range(place % 8):
        digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]
    return digit


def es_dni(number: str) -> bool:
    """Check the letter of a Spanish DNI or NIE."""
    digits = number[:-1].rstrip("-").translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == number[-1]


def it_fiscal_code(code: str) -> bool:
    """Check the last letter of an Italian codice fiscale."""
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    values = [int(each) if each.isdigit() else ord(each) - ord("A") for each in code[:15]]
    total = sum(odd[value] if place % 2 == 0 else value for place, value in enumerate(values))
    return chr(ord("A") + total % 26) == code[15]


def sg_nric(number: str) -> bool:
    """Check the letter of a Singapore NRIC or FIN."""
    total = sum(int(digit) * weight for digit, weight in zip(number[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    letters = "JZIHGFEDCBA" if number[0] in "ST" else "XWUTRQPNMLK"
    return letters[(total + (4 if number[0] in "TG" else 0)) % 11] == number[8]


def kr_rrn(number: str) -> bool:
    """Check a Korean resident registration number: date of birth and check digit."""
    digits = [int(each) for each in number if each != "-"]
    total = sum(digit * weight for digit, weight in zip(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=False))
    century = {1: 19, 2: 19, 5: 19, 6: 19}.get(digits[6], 20)
    return _is_date(f"{century}{number[:6]}") and (11 - total % 11) % 10 == digits[12]


def random_looking(value: str) -> bool:
    """Tell a generated secret from a placeholder or a plain word: letters and digits mixed, few repeats."""
    kinds = {unicodedata.category(character)[:2] for character in value}
    varied = len(set(value)) >= min(8, len(value) // 2 + 1)
    return varied and "Nd" in kinds and bool(kinds & {"Ll", "Lu"})


def password_like(value: str) -> bool:
    """Tell a password told in a sentence from a plain word or a placeholder: two kinds of characters at least."""
    kinds = {unicodedata.category(character)[:1] for character in value}
    return len(set(value)) >= 4 and len(kinds) >= 2 and "N" in kinds and not value.startswith(("http", "{", "<", "$"))


VALIDATORS: Mapping[str, Callable[[str], bool]] = {
    each.__name__: each
    for each in (
        cn_id_card,
        cn_foreign_resident,
        cn_mobile,
        cn_organisation_code,
        uscc,
        bank_card,
        luhn,
        iban,
        us_ssn,
        public_address,
        mac_address,
        geo_position,
        taiwan_id,
        hong_kong_id,
        uk_nino,
        br_cpf,
        in_aadhaar,
        es_dni,
        it_fiscal_code,
        sg_nric,
        kr_rrn,
        random_looking,
        password_like,
    )
}
