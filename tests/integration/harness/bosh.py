"""<body/>s of test clients and test nodes: each carries a word, so that one can tell them apart."""
import re

NAMESPACE = "xmlns='http://jabber.org/protocol/httpbind'"
SESSION_REQUEST = (
    f"<body {NAMESPACE} to='example.com' rid='1000' wait='60' hold='1' ver='1.9' "
    "xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>"
).encode()


def request(word, sid, rid=1001):
    """A request of a session, with `word` as its payload."""
    return f"<body {NAMESPACE} sid='{sid}' rid='{rid}'><word>{word}</word></body>".encode()


def word_of(body):
    """The word of a request, as bytes."""
    found = re.search(rb"<word>(.*)</word>", body)
    assert found, f"no request of this file: {body[:200]!r}"
    return found[1]


def answer(word):
    """What a node answers to the request with this word."""
    return f"<body {NAMESPACE}><word>answer to {word}</word></body>".encode()


class Session:
    """A client's count of its requests."""

    def __init__(self, sid):
        self.sid = sid
        self.rid = 1000

    def request(self, word):
        self.rid += 1
        return request(word, self.sid, self.rid)
