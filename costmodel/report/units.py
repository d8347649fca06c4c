"""Numbers for people. M is 10^6, everywhere."""

from __future__ import annotations

_PREFIXES = ("k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q")


def si(value: int, unit: str = "") -> str:
    """``value`` to one decimal with a decimal prefix; exact below a thousand. Half a tenth rounds up.

    >>> si(300_774_272), si(478_546_944, "FLOPs"), si(999), si(999_950)
    ('300.8 M', '478.5 MFLOPs', '999', '1.0 M')
    """
    if value < 1000:
        return f"{value} {unit}".strip()
    for power, prefix in enumerate(_PREFIXES, start=1):
        # In integers, so that a number of any size is rounded right.
        tenths = (20 * value // 1000**power + 1) // 2
        if tenths < 10_000 or prefix == _PREFIXES[-1]:
            return f"{tenths // 10:,}.{tenths % 10} {prefix}{unit}"
    raise AssertionError("the last prefix takes every value")


def rate(value: float, unit: str) -> str:
    """A rate to four digits with a decimal prefix.

    >>> rate(82.6e12, "FLOPS"), rate(1_008_000_000_000, "B/s"), rate(12.5, "B/s")
    ('82.6 TFLOPS', '1.008 TB/s', '12.5 B/s')
    """
    power = 0
    while value >= 1000 and power < len(_PREFIXES):
        value, power = value / 1000, power + 1
    return f"{value:.4g} {_PREFIXES[power - 1] if power else ''}{unit}"


def duration(seconds: float) -> str:
    """A time to four digits, in the unit in which it is at least 1.

    >>> duration(0.0000687769), duration(0.0052991), duration(75)
    ('68.78 µs', '5.299 ms', '75 s')
    """
    for unit, worth in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= worth:
            return f"{seconds / worth:.4g} {unit}"
    return f"{seconds / 1e-9:.4g} ns"


def percent(share: float) -> str:
    """A share in percent, to two decimals as V1's Table 2 prints them.

    >>> percent(17_385_984 / 568_740_352)
    '3.06 %'
    """
    return f"{100 * share:.2f} %"


def kib(value: int) -> str:
    """Bytes in KiB, of 1024 bytes each, to one decimal where it is not whole.

    >>> kib(1_404_928), kib(1000)
    ('1,372 KiB', '1.0 KiB')
    """
    whole, rest = divmod(value, 1024)
    return f"{value / 1024:,.1f} KiB" if rest else f"{whole:,} KiB"


_QUANTITIES = {
    "multiply_adds": "multiply-adds",
    "flops": "FLOPs",
    "training_flops": "FLOPs in training",
    "peak_memory": "bytes of peak memory",
    "size": "bytes of parameters",
}


def amount(quantity: str, number: int) -> str:
    """A number of a quantity in full.

    >>> amount("peak_memory", 262144), amount("weights", 1000)
    ('262,144 bytes of peak memory', '1,000 weights')
    """
    return f"{number:,} {words_of(quantity)}"


def words_of(quantity: str) -> str:
    """A quantity as it is said after a number of it.

    >>> words_of("peak_memory"), words_of("parameters")
    ('bytes of peak memory', 'parameters')
    """
    return _QUANTITIES.get(quantity, quantity)
