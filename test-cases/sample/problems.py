"""The problems of the sample data set: statements, right and wrong solutions, and tests.

Each problem is given once, as a function, and serves twice: called directly, or as a program whose
`reader` lines read standard input, call the function and print.
"""

from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Problem:
    name: str  # of the function
    params: str  # as in `def name(params)`, with annotations
    text: str  # the statement
    right: str  # function body, indented by four spaces
    wrong: str  # the same with a mistake that the tests show
    reader: str  # body of main() in the program form
    make: Callable  # rng -> list of arguments
    stdin: Callable  # arguments -> text
    show: Callable = str  # result -> text

    def function(self, body: str, params: str | None = None) -> str:
        return f"def {self.name}({params if params is not None else plain(self.params)}):\n{body}"

    def program(self, body: str) -> str:
        return f"{self.function(body)}\n\ndef main():\n{self.reader}\nmain()\n"

    def call(self, body: str) -> Callable:
        names: dict = {}
        exec(self.function(body), names)
        return names[self.name]


def plain(params: str) -> str:
    """Parameters without their annotations."""
    depth, out, keep = 0, [], True
    for ch in params:
        depth += (ch == "[") - (ch == "]")
        if ch == ":" and depth == 0:
            keep = False
        if ch == "," and depth == 0:
            keep = True
        if keep:
            out.append(ch)
    return "".join(out)


def indent(text: str) -> str:
    return "".join("    " + line + "\n" for line in text.strip("\n").split("\n"))


def nums(rng, least, most, lo, hi):
    return [rng.randint(lo, hi) for _ in range(rng.randint(least, most))]


def word(rng, least, most, letters="abcde"):
    return "".join(rng.choice(letters) for _ in range(rng.randint(least, most)))


def list_in(args):
    (xs,) = args
    return f"{len(xs)}\n{' '.join(map(str, xs))}\n"


def list_k_in(args):
    xs, k = args
    return f"{len(xs)} {k}\n{' '.join(map(str, xs))}\n"


def line_in(args):
    return " ".join(map(str, args)) + "\n"


def lines_in(args):
    return "".join(f"{arg}\n" for arg in args)


def spaced(values):
    return " ".join(map(str, values))


def yes_no(flag):
    return "YES" if flag else "NO"


PROBLEMS: list[Problem] = []


def add(name, params, text, right, wrong, reader, make, stdin, show=str):
    PROBLEMS.append(
        Problem(name, params, text, indent(right), indent(wrong), indent(reader), make, stdin, show)
    )


ONE_LIST = "input()\nxs = list(map(int, input().split()))\n"
LIST_AND_K = "n, k = map(int, input().split())\nxs = list(map(int, input().split()))\n"

add("count_rain_days", "levels: List[int]",
    "A gauge was read once a day. A day counts as rainy when its level is higher than the day before. Count the rainy days.",
    "return sum(1 for a, b in zip(levels, levels[1:]) if b > a)",
    "return sum(1 for a, b in zip(levels, levels[1:]) if b >= a)",
    ONE_LIST + "print(count_rain_days(xs))",
    lambda r: [nums(r, 2, 12, 0, 6)], list_in)
add("widest_shelf_gap", "positions: List[int]",
    "Books stand at the given positions of a long shelf. Find the widest gap between two neighbouring books.",
    "xs = sorted(positions)\nreturn max((b - a for a, b in zip(xs, xs[1:])), default=0)",
    "return max((b - a for a, b in zip(positions, positions[1:])), default=0)",
    ONE_LIST + "print(widest_shelf_gap(xs))",
    lambda r: [nums(r, 2, 10, 0, 90)], list_in)
add("lantern_pairs", "weights: List[int], limit: int",
    "Two lanterns may share a hook when their weights sum to at most the limit. Count the pairs that may share one.",
    "xs = sorted(weights)\ni, j, total = 0, len(xs) - 1, 0\nwhile i < j:\n    if xs[i] + xs[j] <= limit:\n        total += j - i\n        i += 1\n    else:\n        j -= 1\nreturn total",
    "xs = sorted(weights)\ni, j, total = 0, len(xs) - 1, 0\nwhile i < j:\n    if xs[i] + xs[j] < limit:\n        total += j - i\n        i += 1\n    else:\n        j -= 1\nreturn total",
    LIST_AND_K + "print(lantern_pairs(xs, k))",
    lambda r: [nums(r, 3, 12, 1, 9), r.randint(6, 12)], list_k_in)
add("squeeze_runs", "s: str",
    "Write every run of equal letters as the letter followed by the length of the run, without the length when it is 1.",
    "out, i = [], 0\nwhile i < len(s):\n    j = i\n    while j < len(s) and s[j] == s[i]:\n        j += 1\n    out.append(s[i] + (str(j - i) if j - i > 1 else ''))\n    i = j\nreturn ''.join(out)",
    "out, i = [], 0\nwhile i < len(s):\n    j = i\n    while j < len(s) and s[j] == s[i]:\n        j += 1\n    out.append(s[i] + str(j - i))\n    i = j\nreturn ''.join(out)",
    "print(squeeze_runs(input().strip()))",
    lambda r: [word(r, 4, 14, "aab")], line_in)
add("harbour_depth", "tides: List[int], draught: int",
    "A ship needs water deeper than its draught for as long as it stays. Find the longest stretch of hours in which it may stay.",
    "best = run = 0\nfor t in tides:\n    run = run + 1 if t > draught else 0\n    best = max(best, run)\nreturn best",
    "best = run = 0\nfor t in tides:\n    if t > draught:\n        run += 1\n    else:\n        best = max(best, run)\n        run = 0\nreturn best",
    LIST_AND_K + "print(harbour_depth(xs, k))",
    lambda r: [nums(r, 4, 14, 1, 8), r.randint(1, 4)], list_k_in)
add("is_mirror_number", "n: int",
    "Decide whether the decimal digits of a number read the same from both ends.",
    "s = str(n)\nreturn s == s[::-1]",
    "s = str(n)\nreturn s[0] == s[-1]",
    "print('YES' if is_mirror_number(int(input())) else 'NO')",
    lambda r: [int((lambda h: h + h[::-1] if r.random() < 0.5 else f"3{h}3")(str(r.randint(10, 99))))],
    line_in, yes_no)
add("bus_fare", "stops: int, child: bool",
    "A ride costs 3 coins and one more for each full 4 stops; children pay half, rounded down. Work out the fare.",
    "fare = 3 + stops // 4\nreturn fare // 2 if child else fare",
    "fare = 3 + stops // 4\nreturn (fare + 1) // 2 if child else fare",
    "a, b = input().split()\nprint(bus_fare(int(a), b == 'child'))",
    lambda r: [r.randint(0, 30), r.random() < 0.5],
    lambda a: f"{a[0]} {'child' if a[1] else 'adult'}\n")
add("second_tallest", "heights: List[int]",
    "Find the second largest of the different heights, or -1 when there is none.",
    "xs = sorted(set(heights))\nreturn xs[-2] if len(xs) > 1 else -1",
    "xs = sorted(heights)\nreturn xs[-2] if len(xs) > 1 else -1",
    ONE_LIST + "print(second_tallest(xs))",
    lambda r: [nums(r, 2, 7, 1, 4)], list_in)
add("garden_path", "rows: int, cols: int",
    "A snail walks from one corner of a grid of tiles to the opposite one, only right or down. Count its paths modulo 1000007.",
    "line = [1] * cols\nfor _ in range(rows - 1):\n    for j in range(1, cols):\n        line[j] = (line[j] + line[j - 1]) % 1000007\nreturn line[-1] % 1000007",
    "line = [1] * cols\nfor _ in range(rows):\n    for j in range(1, cols):\n        line[j] = (line[j] + line[j - 1]) % 1000007\nreturn line[-1] % 1000007",
    "a, b = map(int, input().split())\nprint(garden_path(a, b))",
    lambda r: [r.randint(2, 40), r.randint(2, 40)], line_in)
add("letters_in_both", "a: str, b: str",
    "List, in alphabetical order and once each, the letters that occur in both words.",
    "return ''.join(sorted(set(a) & set(b)))",
    "return ''.join(c for c in sorted(a) if c in b)",
    "print(letters_in_both(input().strip(), input().strip()))",
    lambda r: [word(r, 4, 9), word(r, 4, 9)], lines_in)
add("stair_ways", "n: int",
    "Somebody climbs n steps, taking one, two or three at a time. Count the ways.",
    "a, b, c = 1, 1, 2\nfor _ in range(n):\n    a, b, c = b, c, a + b + c\nreturn a",
    "a, b = 1, 1\nfor _ in range(n):\n    a, b = b, a + b\nreturn a",
    "print(stair_ways(int(input())))",
    lambda r: [r.randint(4, 120)], line_in)
add("rotate_queue", "people: List[int], k: int",
    "The first k people of a queue go to its end, in the same order. Give the new queue; k may exceed the length.",
    "if not people:\n    return []\nk %= len(people)\nreturn people[k:] + people[:k]",
    "return people[k:] + people[:k]",
    LIST_AND_K + "print(*rotate_queue(xs, k))",
    lambda r: [nums(r, 2, 6, 1, 20), r.randint(0, 15)], list_k_in, spaced)
add("balanced_boxes", "s: str",
    "Boxes open with ( or [ and close with ) or ]. Decide whether every box closes properly.",
    "stack = []\nfor c in s:\n    if c in '([':\n        stack.append(')' if c == '(' else ']')\n    elif not stack or stack.pop() != c:\n        return False\nreturn not stack",
    "return s.count('(') == s.count(')') and s.count('[') == s.count(']')",
    "print('YES' if balanced_boxes(input().strip()) else 'NO')",
    lambda r: [r.choice(["()[]", "([)]", "([[]])", "](", "(()", ")(", "[()()]", "[(])", "]["])], line_in, yes_no)
add("digit_product", "n: int",
    "Multiply the digits of a positive number that are not zero.",
    "out = 1\nfor c in str(n):\n    if c != '0':\n        out *= int(c)\nreturn out",
    "out = 1\nfor c in str(n):\n    out *= int(c)\nreturn out",
    "print(digit_product(int(input())))",
    lambda r: [r.randint(1, 99) * 10 ** r.randint(0, 3) * 10 + r.randint(1, 9)], line_in)
add("cheapest_pair", "prices: List[int]",
    "The cheaper of every two items, taken from the dearest down, is free. Find what the items cost together.",
    "xs = sorted(prices, reverse=True)\nreturn sum(x for i, x in enumerate(xs) if i % 2 == 0)",
    "xs = sorted(prices)\nreturn sum(x for i, x in enumerate(xs) if i % 2 == 0)",
    ONE_LIST + "print(cheapest_pair(xs))",
    lambda r: [nums(r, 2, 9, 1, 50)], list_in)
add("meeting_rooms", "starts: List[int], lengths: List[int]",
    "Meeting i starts at starts[i] and lasts lengths[i] hours; one may start as another ends. Find how many rooms are needed.",
    "events = sorted([(s, 1) for s in starts] + [(s + d, -1) for s, d in zip(starts, lengths)])\nnow = best = 0\nfor _, step in events:\n    now += step\n    best = max(best, now)\nreturn best",
    "events = sorted([(s, 0) for s in starts] + [(s + d, 1) for s, d in zip(starts, lengths)])\nnow = best = 0\nfor _, kind in events:\n    now += 1 if kind == 0 else -1\n    best = max(best, now)\nreturn best",
    "input()\na = list(map(int, input().split()))\nb = list(map(int, input().split()))\nprint(meeting_rooms(a, b))",
    lambda r: (lambda n: [[r.randint(0, 8) for _ in range(n)], [r.randint(1, 4) for _ in range(n)]])(r.randint(2, 8)),
    lambda a: f"{len(a[0])}\n{spaced(a[0])}\n{spaced(a[1])}\n")
add("word_lengths", "text: str",
    "For a line of words, list the lengths of the words in order.",
    "return [len(w) for w in text.split()]",
    "return sorted(len(w) for w in text.split())",
    "print(*word_lengths(input()))",
    lambda r: [" ".join(word(r, 1, 8) for _ in range(r.randint(2, 6)))], line_in, spaced)
add("coin_ways", "coins: List[int], total: int",
    "Count the ways to pay a total with coins of the given different values, any number of each; order does not matter.",
    "ways = [1] + [0] * total\nfor c in set(coins):\n    for t in range(c, total + 1):\n        ways[t] += ways[t - c]\nreturn ways[total]",
    "ways = [1] + [0] * total\nfor t in range(1, total + 1):\n    for c in set(coins):\n        if t >= c:\n            ways[t] += ways[t - c]\nreturn ways[total]",
    LIST_AND_K + "print(coin_ways(xs, k))",
    lambda r: [sorted(r.sample(range(1, 12), r.randint(2, 4))), r.randint(12, 40)], list_k_in)
add("longest_rise", "xs: List[int]",
    "Find the length of the longest strictly increasing subsequence.",
    "from bisect import bisect_left\ntails = []\nfor x in xs:\n    i = bisect_left(tails, x)\n    tails[i:i + 1] = [x]\nreturn len(tails)",
    "from bisect import bisect_right\ntails = []\nfor x in xs:\n    i = bisect_right(tails, x)\n    tails[i:i + 1] = [x]\nreturn len(tails)",
    ONE_LIST + "print(longest_rise(xs))",
    lambda r: [nums(r, 4, 14, 0, 7)], list_in)
add("islands", "grid: List[str]",
    "On a map of # (land) and . (water), land cells that share a side are one island. Count the islands.",
    "left = {(i, j) for i, row in enumerate(grid) for j, c in enumerate(row) if c == '#'}\ncount = 0\nwhile left:\n    count += 1\n    todo = [left.pop()]\n    while todo:\n        i, j = todo.pop()\n        for cell in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):\n            if cell in left:\n                left.remove(cell)\n                todo.append(cell)\nreturn count",
    "return sum(row.count('#') for row in grid)",
    "n = int(input())\nprint(islands([input().strip() for _ in range(n)]))",
    lambda r: (lambda w: [[word(r, w, w, "#.#") for _ in range(r.randint(2, 6))]])(r.randint(3, 7)),
    lambda a: f"{len(a[0])}\n" + "".join(row + "\n" for row in a[0]))
add("clock_angle", "hour: int, minute: int",
    "Give twice the smaller angle, in degrees, between the hands of a clock.",
    "d = abs(60 * (hour % 12) - 11 * minute)\nreturn min(d, 720 - d)",
    "return abs(60 * (hour % 12) - 11 * minute)",
    "h, m = map(int, input().split())\nprint(clock_angle(h, m))",
    lambda r: [r.randint(0, 23), r.randint(0, 59)], line_in)
add("common_prefix", "words: List[str]",
    "Find the longest text with which all the words begin.",
    "out = ''\nfor letters in zip(*words):\n    if len(set(letters)) > 1:\n        break\n    out += letters[0]\nreturn out",
    "out = ''\nfor a, b in zip(words[0], words[1]):\n    if a != b:\n        break\n    out += a\nreturn out",
    "n = int(input())\nprint(common_prefix([input().strip() for _ in range(n)]))",
    lambda r: (lambda p: [[p + word(r, 1, 3) for _ in range(3)] + [p[:-1] + "z"]])(word(r, 3, 5)),
    lambda a: f"{len(a[0])}\n" + "".join(w + "\n" for w in a[0]))
add("prime_steps", "n: int",
    "Divide a number by its smallest prime factor until 1 is left. Count the divisions.",
    "steps, p = 0, 2\nwhile n > 1:\n    if p * p > n:\n        return steps + 1\n    if n % p:\n        p += 1\n    else:\n        n //= p\n        steps += 1\nreturn steps",
    "steps, p = 0, 2\nwhile n > 1:\n    if n % p == 0:\n        steps += 1\n        while n % p == 0:\n            n //= p\n    p += 1\nreturn steps",
    "print(prime_steps(int(input())))",
    lambda r: [r.randint(1, 60) * 4 * r.randint(1, 9)], line_in)
add("trail_height", "moves: str",
    "A trail is written as U (up one) and D (down one). Find how far its highest point lies above its lowest.",
    "h = hi = lo = 0\nfor c in moves:\n    h += 1 if c == 'U' else -1\n    hi, lo = max(hi, h), min(lo, h)\nreturn hi - lo",
    "h = hi = 0\nfor c in moves:\n    h += 1 if c == 'U' else -1\n    hi = max(hi, h)\nreturn hi",
    "print(trail_height(input().strip()))",
    lambda r: [word(r, 4, 16, "UDD")], line_in)
add("matrix_spiral", "rows: List[List[int]]",
    "Read a rectangle of numbers in a spiral, clockwise from the top left.",
    "out, rows = [], [list(r) for r in rows]\nwhile rows:\n    out += rows.pop(0)\n    rows = [list(r) for r in zip(*rows)][::-1]\nreturn out",
    "return [x for i, r in enumerate(rows) for x in (r if i % 2 == 0 else r[::-1])]",
    "n, m = map(int, input().split())\nprint(*matrix_spiral([list(map(int, input().split())) for _ in range(n)]))",
    lambda r: (lambda n, m: [[[r.randint(0, 99) for _ in range(m)] for _ in range(n)]])(r.randint(3, 5), r.randint(3, 5)),
    lambda a: f"{len(a[0])} {len(a[0][0])}\n" + "".join(spaced(row) + "\n" for row in a[0]), spaced)
add("vowel_shift", "s: str",
    "Replace every vowel by the next vowel of the circle a, e, i, o, u and leave the rest alone.",
    "return s.translate(str.maketrans('aeiou', 'eioua'))",
    "for a, b in zip('aeiou', 'eioua'):\n    s = s.replace(a, b)\nreturn s",
    "print(vowel_shift(input().strip()))",
    lambda r: [word(r, 4, 12, "aeioubcd")], line_in)
add("min_refuels", "stations: List[int], tank: int",
    "Stations stand at the given kilometres of a road of which the last is the goal; a full tank lasts tank kilometres. Find the least number of refuelling stops, or -1.",
    "pos = last = stops = 0\nxs = sorted(stations)\nfor x in xs:\n    if x - last > tank:\n        return -1\n    if x - pos > tank:\n        pos = last\n        stops += 1\n    last = x\nreturn stops",
    "xs = sorted(stations)\nreturn xs[-1] // tank",
    LIST_AND_K + "print(min_refuels(xs, k))",
    lambda r: [sorted(nums(r, 4, 9, 1, 60)), r.randint(12, 25)], list_k_in)
add("ticket_sum", "n: int",
    "Add the digits of a number, then the digits of the sum, until one digit is left.",
    "return 0 if n == 0 else 1 + (n - 1) % 9",
    "return n % 9",
    "print(ticket_sum(int(input())))",
    lambda r: [r.randint(1, 10 ** 6) * 9 if r.random() < 0.5 else r.randint(0, 10 ** 20)], line_in)
add("tower_of_cups", "n: int",
    "Row k of a tower has k cups of which each weighs k. Find the weight of n rows.",
    "return n * (n + 1) * (2 * n + 1) // 6",
    "return int(n * (n + 1) * (2 * n + 1) / 6 + 1e-9)",
    "print(tower_of_cups(int(input())))",
    lambda r: [r.randint(10 ** 6, 10 ** 12)], line_in)
add("merge_lists", "a: List[int], b: List[int]",
    "Merge two sorted lists into one sorted list.",
    "return sorted(a + b)",
    "return sorted(set(a + b))",
    "input()\na = list(map(int, input().split()))\ninput()\nb = list(map(int, input().split()))\nprint(*merge_lists(a, b))",
    lambda r: [sorted(nums(r, 2, 6, 0, 6)), sorted(nums(r, 2, 6, 0, 6))],
    lambda a: f"{len(a[0])}\n{spaced(a[0])}\n{len(a[1])}\n{spaced(a[1])}\n", spaced)
add("pack_parcels", "weights: List[int], limit: int",
    "Parcels go into vans in the given order; a van never carries more than the limit. Count the vans.",
    "vans, load = 0, limit + 1\nfor w in weights:\n    if load + w > limit:\n        vans += 1\n        load = 0\n    load += w\nreturn vans",
    "return -(-sum(weights) // limit)",
    LIST_AND_K + "print(pack_parcels(xs, k))",
    lambda r: [nums(r, 4, 12, 2, 9), r.randint(9, 14)], list_k_in)
add("power_tail", "base: int, exponent: int",
    "Find the last three digits of base raised to the exponent, without leading zeros.",
    "return pow(base, exponent, 1000)",
    "return pow(base, exponent, 100)",
    "a, b = map(int, input().split())\nprint(power_tail(a, b))",
    lambda r: [r.randint(2, 999), r.randint(2, 10 ** 9)], line_in)
add("count_squares", "lo: int, hi: int",
    "Count the squares of whole numbers from lo to hi, both included.",
    "from math import isqrt\nreturn isqrt(hi) - (isqrt(lo - 1) if lo > 0 else -1)",
    "from math import isqrt\nreturn isqrt(hi) - isqrt(lo)",
    "a, b = map(int, input().split())\nprint(count_squares(a, b))",
    lambda r: (lambda k: [k * k, k * k + r.randint(0, 500)])(r.randint(1, 30)), line_in)
add("caesar_wheel", "s: str, k: int",
    "Shift every small letter by k places along the alphabet, round the end; leave other characters.",
    "return ''.join(chr((ord(c) - 97 + k) % 26 + 97) if c.islower() else c for c in s)",
    "return ''.join(chr(ord(c) + k) if c.islower() else c for c in s)",
    "s = input()\nprint(caesar_wheel(s, int(input())))",
    lambda r: [word(r, 4, 12, "amzyx-"), r.randint(1, 25)], lines_in)
add("max_profit", "prices: List[int]",
    "Buy one share on one day and sell it on a later day, or do nothing. Find the largest profit.",
    "best, low = 0, prices[0]\nfor p in prices:\n    low = min(low, p)\n    best = max(best, p - low)\nreturn best",
    "return max(0, max(prices) - min(prices))",
    ONE_LIST + "print(max_profit(xs))",
    lambda r: [nums(r, 3, 10, 1, 30)], list_in)
