"""
Pairs of answers: those that must not count as a change, and those that must.

A pair is what the server sent before and after, and how the source is read. The first is read as a first poll does,
the second against the document that came of it.
"""

from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

JSON = "application/json"
XML = "application/xml"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two answers."""

    name: str
    old: bytes
    new: bytes
    how: dict[str, Any] = field(default_factory=dict)
    old_type: str = JSON
    new_type: str = ""


def pair(name: str, old: str | bytes, new: str | bytes, **more: Any) -> Pair:
    """Write a pair; texts are UTF-8."""
    was, now = (text.encode() if isinstance(text, str) else text for text in (old, new))
    return Pair(name=name, old=was, new=now, **more)


def xml(name: str, old: str, new: str, **how: Any) -> Pair:
    """Write a pair of XML."""
    return pair(name, old, new, old_type=XML, how=how)


def _order() -> list[Pair]:
    members = ['"a":1', '"b":{"x":1,"y":[1,2]}', '"é":"z"', '"10":null']
    first = "{" + ",".join(members) + "}"
    shuffled = ["{" + ",".join(one) + "}" for one in permutations(members)][1:]
    nested = ['{"d":[{"b":1,"a":2}]}', '{"d":[{"a":2,"b":1}]}']
    return [pair(f"order {n}", first, text) for n, text in enumerate(shuffled)] + [pair("order deep", *nested)]


def _space() -> list[Pair]:
    first = '{"a":[1,{"b":"c d"}],"e":null}'
    others = [
        '{ "a" : [ 1 , { "b" : "c d" } ] , "e" : null }', '\n{"a":[1,{"b":"c d"}],"e":null}\n', first + "   ",
        '{\r\n\t"a": [\r\n\t\t1,\r\n\t\t{"b": "c d"}\r\n\t],\r\n\t"e": null\r\n}', "\t" + first, "\ufeff" + first,
    ]  # fmt: skip
    return [pair(f"space {n}", first, text) for n, text in enumerate(others)]


def _numbers() -> list[Pair]:
    same = [
        ("1", "1.0"), ("1", "1.000"), ("1", "1e0"), ("1", "1E0"), ("1", "10e-1"), ("1", "0.1e1"), ("100", "1e2"),
        ("100", "1.0E+2"), ("0", "-0"), ("0", "0.0"), ("0", "-0.0"), ("0", "0e5"), ("-1", "-1.0"), ("0.1", "0.10"),
        ("0.1", "1e-1"), ("0.1", "0.1000000000000000055511151231257827"), ("1.5", "15e-1"), ("1e21", "1E21"),
        ("1e21", "1e+21"), ("1e-7", "0.0000001"), ("123456789012", "1.23456789012e11"), ("5e-324", "4.9e-324"),
        ("9007199254740993", "9007199254740993"), ("1e20", "100000000000000000000"), ("2.50", "2.5"),
        ("1.7976931348623157e308", "17976931348623157e292"), ("333333333.33333329", "333333333.3333333"),
    ]  # fmt: skip
    return [pair(f"number {a} {b}", f'{{"n":[{a}]}}', f'{{"n":[{b}]}}') for a, b in same]


def _texts() -> list[Pair]:
    same = [
        ('"A"', '"\\u0041"'), ('"/"', '"\\/"'), ('"é"', '"\\u00e9"'), ('"€"', '"\\u20AC"'), ('"€"', '"\\u20ac"'),
        ('"😀"', '"\\ud83d\\ude00"'), ('"\\n"', '"\\u000a"'), ('"\\t"', '"\\u0009"'), ('"\\""', '"\\u0022"'),
        ('"\\\\"', '"\\u005C"'), ('"\\b\\f"', '"\\u0008\\u000C"'), ('{"é":1}', '{"\\u00e9":1}'),
        ('"\x7f"', '"\\u007f"'), ('"\u2028"', '"\\u2028"'),
    ]  # fmt: skip
    return [pair(f"text {n}", a, b) for n, (a, b) in enumerate(same)]


def _charsets() -> list[Pair]:
    text = '{"a":"é€"}'
    coded = [
        ("utf-8 bom", b"\xef\xbb\xbf" + text.encode(), JSON), ("utf-16", text.encode("utf-16"), JSON),
        ("utf-16-be", b"\xfe\xff" + text.encode("utf-16-be"), JSON), ("utf-32", text.encode("utf-32"), JSON),
        ("cp1252", text.encode("cp1252"), "text/plain; charset=windows-1252"),
        ("latin-9", text.encode("iso-8859-15"), 'text/plain; charset="ISO-8859-15"'),
        ("type", text.encode(), "text/html"), ("charset", text.encode(), "application/json;charset=UTF-8"),
        ("no type", text.encode(), ""),
    ]  # fmt: skip
    plain = [pair(f"charset {name}", text, data, new_type=kind) for name, data, kind in coded]
    told = '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1")
    return [*plain, pair("charset of xml", "<a>é</a>", told, old_type=XML)]


def _xml() -> list[Pair]:
    one = "<r><i><n>1</n></i></r>"
    return [
        xml("declaration", "<a>1</a>", '<?xml version="1.0"?><a>1</a>'),
        xml("declaration standalone", "<a>1</a>", '<?xml version="1.0" standalone="yes"?>\n<a>1</a>\n'),
        xml("comment", "<a>1</a>", "<!-- made at 10:00 --><a>1</a><!-- end -->"),
        xml("comment inside", "<a><b>1</b></a>", "<a><!-- x --><b>1</b></a>"),
        xml("processing instruction", "<a>1</a>", '<?xml-stylesheet href="x"?><a>1</a>'),
        xml("indentation", "<a><b>1</b><c>2</c></a>", "<a>\n  <b>1</b>\n  <c>2</c>\n</a>"),
        xml("space around a text", "<a>1</a>", "<a>\n 1 \n</a>"),
        xml("space in a tag", '<a b="1">x</a>', '<a   b = "1"  >x</a >'),
        xml("quotes", '<a b="1"/>', "<a b='1'/>"),
        xml("order of attributes", '<a b="1" c="2"/>', '<a c="2" b="1"/>'),
        xml("empty element", "<a><b/></a>", "<a><b></b></a>"),
        xml("empty element with space", "<a><b/></a>", "<a><b > \n</b></a>"),
        xml("cdata", "<a>x</a>", "<a><![CDATA[x]]></a>"),
        xml("cdata of markup", "<a>&lt;b&gt;</a>", "<a><![CDATA[<b>]]></a>"),
        xml("entity", "<a>&lt;</a>", "<a>&#60;</a>"),
        xml("entity hex", "<a>é</a>", "<a>&#xE9;</a>"),
        xml("line ends", "<a>x\ny</a>", "<a>x\r\ny</a>"),
        xml("order of different elements", "<a><b>1</b><c>2</c></a>", "<a><c>2</c><b>1</b></a>"),
        xml("ignored element", f"<r><at>1</at>{one}</r>", f"<r><at>2</at>{one}</r>", ignore=["/r/at"]),
        xml("ignored attribute", '<r at="1">x</r>', '<r at="2">x</r>', ignore=["/r/@at"]),
        xml("selector", f"<x><at>1</at>{one}</x>", f"<x><at>2</at>{one}</x>", selector="x.r"),
        xml("one selected as a list", one, "<r>\n<i><n>1</n></i>\n</r>", selector="r.i[].n"),
        xml("tolerated", "<r><p>1.00</p></r>", "<r><p>1.04</p></r>", tolerance=0.05),
        xml("unordered", "<r><i>1</i><i>2</i></r>", "<r><i>2</i><i>1</i></r>", unordered=["/r/i"]),
        xml("rows of different counts", *(["<r><i><t>1</t><t>2</t></i><i><t>3</t></i><i/></r>"] * 2)),
    ]


def _ignored() -> list[Pair]:
    names = ["at", "generated_at", "requestId", "a/b", "c~d", "", "é", "0", "*"]
    pointers = [f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names]
    flat = [
        pair(f"ignored {name!r}", f'{{"{name}":1,"x":2}}', f'{{"{name}":9,"x":2}}', how={"ignore": [pointer]})
        for name, pointer in zip(names, pointers, strict=True)
    ]
    rows = [
        ("item", '[{"t":1,"v":1},{"t":2,"v":2}]', '[{"t":8,"v":1},{"t":9,"v":2}]', "/*/t"),
        ("index", "[1,2,3]", "[9,2,3]", "/0"),
        ("member", '{"a":{"t":1},"b":{"t":2}}', '{"a":{"t":3},"b":{"t":4}}', "/*/t"),
        ("came", '{"a":1}', '{"a":1,"debug":{"x":1}}', "/debug"),
        ("went", '{"a":1,"debug":{"x":1}}', '{"a":1}', "/debug"),
        ("kind", '{"a":1,"t":1}', '{"a":1,"t":[1,2]}', "/t"),
        ("deep", '{"a":[[{"t":1}]]}', '{"a":[[{"t":2}]]}', "/a/*/*/t"),
        ("all", '{"a":1}', '{"b":2}', "/*"),
    ]
    return [*flat, *(pair(f"ignored {name}", old, new, how={"ignore": [at]}) for name, old, new, at in rows)]


def _selected() -> list[Pair]:
    old, new = (
        '{"at":1,"items":[{"p":1,"s":"x"},{"p":2,"s":"y"}]}',
        '{"items":[{"p":1,"s":"x"},{"p":2,"s":"y"}],"at":2}',
    )
    selectors = ["items", "items[*].p", "items[0]", "items[?p>`1`]", "length(items)", "{a: items[0].p}", "items[].s"]
    made = [pair(f"selected {one}", old, new, how={"selector": one}) for one in selectors]
    grown = '{"at":2,"items":[{"p":1,"s":"z"},{"p":2,"s":"y"},{"p":3}]}'
    return [*made, pair("selected head", old, grown, how={"selector": "items[0].p"})]


def _unordered() -> list[Pair]:
    cases = [
        ("root", "[1,2,3]", "[3,1,2]", [""]), ("kinds", '[null,true,"a",1,[],{}]', '[{},[],1,"a",true,null]', [""]),
        ("twice", "[1,1,2]", "[1,2,1]", [""]), ("member", '{"a":["x","y"]}', '{"a":["y","x"]}', ["/a"]),
        ("objects", '[{"i":1},{"i":2}]', '[{"i":2},{"i":1}]', [""]),
        ("keys within", '[{"i":1,"k":2},{"i":2}]', '[{"i":2},{"k":2,"i":1}]', [""]),
        ("inner and outer", '[{"t":["a","b"]},{"t":["c"]}]', '[{"t":["c"]},{"t":["b","a"]}]', ["", "/*/t"]),
        ("inner named first", '[{"t":["a","b"]},{"t":["c"]}]', '[{"t":["c"]},{"t":["b","a"]}]', ["/*/t", ""]),
        ("any", '{"a":[1,2],"b":[3,4]}', '{"a":[2,1],"b":[4,3]}', ["/*"]),
        ("numbers", "[1.0,2]", "[2.0,1]", [""]), ("no list", '{"a":1}', '{"a":1}', ["/a", "/b", ""]),
    ]  # fmt: skip
    return [pair(f"unordered {name}", old, new, how={"unordered": at}) for name, old, new, at in cases]


def _tolerated() -> list[Pair]:
    cases = [
        ("less", "1.0", "1.04", 0.05), ("exactly", "1.0", "1.1", 0.1), ("down", "1.1", "1.0", 0.1),
        ("exactly again", "0.2", "0.3", 0.1), ("integers", "100", "101", 1), ("mixed", "100", "100.5", 1),
        ("deep", '{"a":[{"p":1}]}', '{"a":[{"p":1.4}]}', 0.5), ("several", "[1,2,3]", "[1.1,1.9,3.1]", 0.2),
        ("sign", "-0.01", "0.01", 0.02), ("large", "9007199254740993", "9007199254740994", 1),
        ("beyond doubles", "1" + "0" * 400, "1" + "0" * 399 + "1", 1),
    ]  # fmt: skip
    plain = [pair(f"tolerated {name}", old, new, how={"tolerance": by}) for name, old, new, by in cases]
    both = {"tolerance": 0.5, "unordered": [""]}
    return [
        *plain,
        pair("tolerated unordered", "[1,2,3]", "[3.2,1.2,2.2]", how=both),
        pair(
            "tolerated past its neighbour",
            '[{"p":1,"i":"a"},{"p":1.1,"i":"b"}]',
            '[{"p":1.3,"i":"a"},{"p":1.1,"i":"b"}]',
            how=both,
        ),
        pair("tolerated with ignored", '{"p":1,"t":1}', '{"p":1.4,"t":9}', how={"tolerance": 0.5, "ignore": ["/t"]}),
        pair("tolerated selected twice", '{"l":[1]}', '{"l":[1.4]}', how={"tolerance": 0.5, "selector": "{a:l,b:l}"}),
    ]


def _rest() -> list[Pair]:
    return [
        pair("duplicate key", '{"a":2}', '{"a":1,"a":2}'),
        pair("duplicate key moved", '{"a":1,"b":3,"a":2}', '{"a":2,"b":3}'),
        *(pair(f"value {text}", text, f" {text} ") for text in ("null", "true", "false", '""', "[]", "{}", "0", '"x"')),
    ]


def _orders() -> list[Pair]:
    """Write every order of three: attributes, elements of different names, items of an unordered array."""
    attributes, elements = ['a="1"', 'b="2"', 'c="3"'], ["<a>1</a>", "<b>2</b>", "<c>3</c>"]
    items = ['{"i":1,"t":["x"]}', '{"i":2}', "null"]
    made = []
    for n, (one, two, three) in enumerate(
        zip(*(list(permutations(kind))[1:] for kind in (attributes, elements, items)), strict=True)
    ):
        made += [
            xml(f"attributes {n}", f"<r {' '.join(attributes)}/>", f"<r {' '.join(one)}/>"),
            xml(f"elements {n}", f"<r>{''.join(elements)}</r>", f"<r>{''.join(two)}</r>"),
            pair(f"items {n}", f"[{','.join(items)}]", f"[{','.join(three)}]", how={"unordered": [""]}),
        ]
    return made


def _gaps() -> list[Pair]:
    """Put white space between each two tokens in turn."""
    tokens = [
        "{",
        '"a"',
        ":",
        "[",
        "1",
        ",",
        "true",
        ",",
        "{",
        '"b"',
        ":",
        "null",
        "}",
        "]",
        ",",
        '"c"',
        ":",
        '""',
        "}",
    ]
    first = "".join(tokens)
    return [
        pair(f"gap {n}", first, "".join(tokens[:n]) + " \n\t\r" + "".join(tokens[n:])) for n in range(1, len(tokens))
    ]


SAME: list[Pair] = [
    *_orders(), *_gaps(),
    *_order(), *_space(), *_numbers(), *_texts(), *_charsets(), *_xml(), *_ignored(), *_selected(), *_unordered(),
    *_tolerated(), *_rest(),
]  # fmt: skip

_VALUES = ["null", "true", "false", "0", "1", '""', '"1"', '"true"', '"null"', "[]", "{}", "[0]", "[[]]", '{"":null}']

DIFFERENT: list[Pair] = [
    *(pair(f"value {a} {b}", f'{{"v":{a}}}', f'{{"v":{b}}}') for a in _VALUES for b in _VALUES if a < b),
    pair("last digit", '{"id":12345678901234567890123}', '{"id":12345678901234567890124}'),
    pair("beyond 2^53", "9007199254740992", "9007199254740993"),
    pair("beyond 2^64", "18446744073709551616", "18446744073709551617"),
    pair("a little", "0.1", "0.10000000000000002"),
    pair("null member came", "{}", '{"a":null}'),
    pair("order of a list", "[1,2]", "[2,1]"),
    pair("item twice", "[1]", "[1,1]"),
    pair("case", '"a"', '"A"'),
    pair("composed", '"\u00e9"', '"e\u0301"'),
    pair("space in a text", '"a b"', '"a  b"'),
    pair("name of a member", '{"a":1}', '{"b":1}'),
    pair("duplicate key, last one", '{"a":1,"a":2}', '{"a":2,"a":1}'),
    pair("beside what is ignored", '{"t":1,"v":1}', '{"t":1,"v":2}', how={"ignore": ["/t"]}),
    pair("inside of a list that is unordered", "[1,2]", "[2,3]", how={"unordered": [""]}),
    pair("once less in a list that is unordered", "[1,1,2]", "[1,2,2]", how={"unordered": [""]}),
    pair("order of another list", '{"a":[1,2],"b":[1,2]}', '{"a":[2,1],"b":[2,1]}', how={"unordered": ["/a"]}),
    pair("beyond the tolerance", "1.0", "1.11", how={"tolerance": 0.1}),
    pair("text with a tolerance", '"1.0"', '"1.1"', how={"tolerance": 0.5}),
    pair("kind with a tolerance", "1", "true", how={"tolerance": 5}),
    pair("null with a tolerance", "0", "null", how={"tolerance": 5}),
    pair("count with a tolerance", "[1,1]", "[1]", how={"tolerance": 5}),
    pair("unordered beyond the tolerance", "[1,9]", "[9,2]", how={"tolerance": 0.5, "unordered": [""]}),
    pair("selected", '{"a":{"b":1}}', '{"a":{"b":2}}', how={"selector": "a"}),
    xml("text", "<a>1</a>", "<a>2</a>"),
    xml("attribute", '<a b="1"/>', '<a b="2"/>'),
    xml("space inside a text", "<a>x y</a>", "<a>x  y</a>"),
    xml("order of items", "<a><b>1</b><b>2</b></a>", "<a><b>2</b><b>1</b></a>"),
    xml("one item more", "<a><b>1</b></a>", "<a><b>1</b><b>1</b></a>"),
    xml("one item less", "<a><b>1</b><b>2</b></a>", "<a><b>1</b></a>"),
    xml("element came", "<a/>", "<a><b/></a>"),
    xml("attribute and element of a name", '<a b="1"/>', "<a><b>1</b></a>"),
    xml("number of a text", "<a>1</a>", "<a>1.0</a>"),
    xml("beyond the tolerance", "<a>1.0</a>", "<a>1.2</a>", tolerance=0.1),
    xml("namespace prefix", '<x:a xmlns:x="u"/>', '<y:a xmlns:y="u"/>'),
]
