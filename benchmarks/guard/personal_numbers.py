"""Seeded numbers for the benchmark of personal data, made by other arithmetic than the validators', valid and not."""

import random
import string
from datetime import date, timedelta

REGIONS = ["110105", "120101", "130102", "310115", "320102", "330106", "350203", "370202", "420106", "430102", "440305",
           "500103", "510104", "610103", "650102"]  # fmt: skip
SURNAMES, GIVEN = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗",
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰文建国志海",
)


def digits(chance, count):
    return "".join(chance.choice(string.digits) for _ in range(count))


def born(chance):
    return (date(1940, 1, 1) + timedelta(days=chance.randrange(25_000))).strftime("%Y%m%d")


def iso_7064_mod_11_2(body):
    """The recursive form of the standard, not the weights of GB 11643."""
    remainder = 0
    for each in body:
        remainder = (remainder + int(each)) * 2 % 11
    return "0123456789X"[(12 - remainder) % 11]


def luhn_digit(body):
    return next(each for each in string.digits if luhn_sum(body + each) % 10 == 0)


def luhn_sum(whole):
    table = ("0123456789", "0246813579")
    return sum(int(table[place % 2][int(each)]) for place, each in enumerate(reversed(whole)))


def id_card(chance):
    body = chance.choice(REGIONS) + born(chance) + digits(chance, 3)
    return body + iso_7064_mod_11_2(body)


def id_card_wrong(chance):
    right = id_card(chance)
    return right[:17] + chance.choice([each for each in "0123456789X" if each != right[17]])


def mobile(chance):
    number = (
        "1"
        + chance.choice(["38", "39", "36", "50", "52", "58", "77", "80", "86", "99", "33", "76"])
        + digits(chance, 8)
    )
    form = chance.randrange(5)
    if form == 0:
        return f"{number[:3]} {number[3:7]} {number[7:]}"
    if form == 1:
        return f"{number[:3]}-{number[3:7]}-{number[7:]}"
    return f"+86 {number}" if form == 2 else number


def mobile_wrong(chance):
    return (
        chance.choice(["12", "11", "10"]) + digits(chance, 9) if chance.random() < 0.5 else "138" + digits(chance, 10)
    )


def bank_card(chance):
    prefix, length = chance.choice([("622202", 19), ("622848", 19), ("621700", 19), ("622588", 16), ("6225", 16),
                                    ("4392", 16), ("5187", 16), ("4111", 16), ("3742", 15)])  # fmt: skip
    body = prefix + digits(chance, length - 1 - len(prefix))
    number = body + luhn_digit(body)
    if length == 16 and chance.random() < 0.4:
        return chance.choice(" -").join(number[at : at + 4] for at in range(0, 16, 4))
    return number


def wrong_digit(make):
    def made(chance):
        right = make(chance)
        return right[:-1] + chance.choice([each for each in string.digits if each != right[-1]])

    return made


def uscc(chance):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = chance.choice(["91", "92", "93", "52", "12"]) + chance.choice(REGIONS) + "MA" + "".join(
        chance.choice(alphabet) for _ in range(7)
    )  # fmt: skip
    total = sum(alphabet.index(each) * pow(3, place, 31) for place, each in enumerate(body))
    return body + alphabet[-total % 31]


def uscc_wrong(chance):
    right = uscc(chance)
    return right[:-1] + chance.choice([each for each in "0123456789ABCDEFGHJKLMNPQRTUWXY" if each != right[-1]])


def iban(chance):
    country, length = chance.choice([("DE", 18), ("GB", 18), ("FR", 23), ("ES", 20), ("NL", 14)])
    body = ("NWBK" if country == "GB" else "ABNA" if country == "NL" else "") + digits(chance, length)
    body = body[:length]
    number = ""
    for each in body + country + "00":
        number += each if each.isdigit() else str(ord(each) - 55)
    check = 98 - int(number) % 97
    whole = f"{country}{check:02}{body}"
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if chance.random() < 0.5 else whole


def ssn(chance):
    return f"{chance.randrange(1, 666):03}-{chance.randrange(1, 100):02}-{chance.randrange(1, 10_000):04}"


def ssn_wrong(chance):
    return chance.choice([f"000-{chance.randrange(1, 100):02}-1234", f"666-12-{chance.randrange(1, 10_000):04}",
                          f"9{digits(chance, 2)}-00-1234", f"{chance.randrange(1, 600):03}-00-1234"])  # fmt: skip


def cpf(chance):
    body = digits(chance, 9)
    for _ in range(2):
        rest = sum(int(each) * weight for each, weight in zip(body, range(len(body) + 1, 1, -1), strict=True)) % 11
        body += str(0 if rest < 2 else 11 - rest)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def aadhaar(chance):
    """Verhoeff by composing rotations and reflections of a pentagon."""

    def times(a, b):
        turn = (a % 5 + b % 5 if a < 5 else a % 5 - b % 5) % 5
        return turn + (5 if (a < 5) != (b < 5) else 0)

    permutation = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for _ in range(6):
        permutation.append([permutation[-1][permutation[1][each]] for each in range(10)])
    body = chance.choice("23456789") + digits(chance, 10)
    for check in string.digits:
        total = 0
        for place, each in enumerate(reversed(body + check)):
            total = times(total, permutation[place % 8][int(each)])
        if total == 0:
            whole = body + check
            return f"{whole[:4]} {whole[4:8]} {whole[8:]}"
    raise AssertionError(body)


def hong_kong_id(chance):
    letter, body = chance.choice(string.ascii_uppercase), digits(chance, 6)
    total = 36 * 9 + (ord(letter) - 55) * 8 + sum(int(each) * (7 - place) for place, each in enumerate(body))
    check = -total % 11
    return f"{letter}{body}({'A' if check == 10 else check})"


def hong_kong_id_wrong(chance):
    right = hong_kong_id(chance)
    return right[:-2] + chance.choice([each for each in "0123456789A" if each != right[-2]]) + ")"


def taiwan_id(chance):
    letter = chance.choice("ABCDEFGH")
    code, body = str(10 + "ABCDEFGH".index(letter)), chance.choice("12") + digits(chance, 7)
    total = int(code[0]) + 9 * int(code[1]) + sum(int(each) * (8 - place) for place, each in enumerate(body))
    return f"{letter}{body}{-total % 10}"


def email(chance):
    name = "".join(chance.choice(string.ascii_lowercase) for _ in range(chance.randrange(3, 12)))
    suffix = chance.choice(["", ".zhang", "_88", "2020"])
    return f"{name}{suffix}@{chance.choice(['example.com', 'mail.example.cn', 'qq.com'])}"


def email_wrong(chance):
    return email(chance).replace(".", "-", 5).replace("com", "").replace("cn", "").rstrip("-") + chance.choice(
        ["", "@"]
    )


def plate(chance):
    body = "".join(chance.choice("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") for _ in range(4)) + chance.choice(string.digits)
    if chance.random() < 0.3:
        body = chance.choice("DF") + digits(chance, 5)
    return chance.choice("京沪粤苏浙川鲁鄂湘") + chance.choice("ABCDE") + chance.choice(["", "·"]) + body


def plate_wrong(chance):
    return chance.choice("京沪粤苏") + chance.choice("IO") + digits(chance, 5)


def name_zh(chance):
    return chance.choice(SURNAMES) + "".join(chance.choice(GIVEN) for _ in range(chance.choice([1, 2, 2])))


NUMBERS = {
    "id": (id_card, id_card_wrong, "身份证号", "ID card number"),
    "phone": (mobile, mobile_wrong, "手机号", "mobile number"),
    "card": (bank_card, wrong_digit(bank_card), "银行卡号", "card number"),
    "org": (uscc, uscc_wrong, "信用代码", "company code"),
    "iban": (iban, wrong_digit(iban), "国际账号", "IBAN"),
    "ssn": (ssn, ssn_wrong, "美国社安号", "SSN"),
    "cpf": (cpf, wrong_digit(cpf), "巴西税号", "CPF"),
    "aadhaar": (aadhaar, wrong_digit(aadhaar), "印度身份号", "Aadhaar number"),
    "hkid": (hong_kong_id, hong_kong_id_wrong, "香港身份证", "HKID"),
    "twid": (taiwan_id, wrong_digit(taiwan_id), "台湾身份证", "Taiwan ID"),
    "email": (email, email_wrong, "邮箱", "email"),
    "plate": (plate, plate_wrong, "车牌", "plate"),
}
CHECKSUMMED = ("id", "card", "org", "iban", "cpf", "aadhaar", "hkid", "twid")


def sample(*, seed, count):
    """Return for each kind values that are real and values that nearly are, and what they are called in zh and en."""
    chance = random.Random(seed)  # the same numbers each time
    for kind, (right, wrong, zh, en) in NUMBERS.items():
        for _ in range(count):
            yield kind, right(chance), True, zh, en
            yield kind, wrong(chance), False, zh, en
