"""Names people and attackers give to threads. Each is a name like any other, or refused."""

_HASH = "0f" * 32

NAMES = [
    *("..", ".", "/", "//", "a/../b", "../../up", "/etc/passwd", "a/", "./a", "..."),
    *("C:\\x", "C:", "\\\\host\\share", "a\\..\\b", "file:///etc/passwd", "s3://bucket/x"),
    *("\0", "a\0b", "\x01", "\x7f", "\x9b31m", "\x1b[31mred", "\x1b]0;title\x07", "\x08"),
    *("\n", "\r\n", "a\nb", "\t", " ", "a ", " a", "a.", "\u2028", "\xa0"),
    *("%", "%2e%2e", "%2e%2e%2f", "%00", "a%2Fb", "a/b", "%252e", "+", "a+b", "&", "=", "#x"),
    *("?", "?versionId=abc", "a?b=c", "*", "a*", "[", "]", "[a-z]", "{", "}", "{a}", "!"),
    *("::", "a::b", "simplecache::x", "}:list", "{x}:meta", "x:meta", "x:list", "x:", ":x"),
    *("CON", "con", "NUL", "aux.txt", "COM1", "lpt9", "con.json"),
    *("é", "e\u0301", "A", "a", "\u212a", "K", "k", "ß", "ss", "\u0130", "i\u0307"),
    *(
        "\u202egnp.exe",
        "\u200b",
        "\ufeff",
        "\U0001f600",
        "\U0001f468\u200d\U0001f469",
        "\U0010fffd",
    ),
    *("x", "x.json", "x.json.gz", "x.json.zst", "head.zt2", "v2", ".locks", ".probe"),
    *(".tmp-0123", "~", "~~", f"~~{_HASH}", "~2e~2e", "~41", "-", "--help", "-v", "_"),
    *("$(id)", "`id`", "'", '"', "<b>", "; DROP", "None", "null", "true", "[/x]", "[bold]"),
    *("x" * 150, "x" * 151, "x" * 200, "x" * 201, "x" * 1024, "é" * 512, "\U0001f600" * 256),
]

NOT_NAMES = ["", "x" * 1025, "é" * 513, "\ud800", "a\udfffb", "\udc80"]
NOT_TEXT = [None, 7, 1.5, True, b"t", ["t"], ("t",), 3j]


def shown(name):
    """A short id for a parameter."""
    return ascii(name)[1:-1][:24]
