"""JSON, SHA-256 and HMAC without the imports that make them slow to start."""


def json_tools():
    """`(loads, dumps)`; the C halves of `json` without its import of `re`, or `json` itself where
    they are missing."""
    try:
        import _json

        class Context:
            strict = True
            object_hook = object_pairs_hook = None
            parse_float, parse_int, parse_constant = float, int, float
            memo = {}

        scan = _json.make_scanner(Context)

        def default(value):
            raise TypeError('cannot write %r as JSON' % type(value))

        encode = _json.make_encoder(
            None, default, _json.encode_basestring_ascii, None, ':', ',', False, False, False
        )
        loads = lambda text: scan(text.strip(), 0)[0]  # noqa: E731
        dumps = lambda value: ''.join(encode(value, 0))  # noqa: E731
        if loads(dumps({'a': [1, 'ü', None]})) != {'a': [1, 'ü', None]}:
            raise ValueError
        return loads, dumps
    except (ImportError, AttributeError, TypeError, ValueError):
        import json

        return json.loads, json.dumps


loads, dumps = json_tools()


def sha256(data):
    try:
        from _sha2 import sha256 as make
    except ImportError:
        try:
            from _sha256 import sha256 as make
        except ImportError:
            from hashlib import sha256 as make
    return make(data)


def sign(key, message):
    """HMAC-SHA256 (RFC 2104) in hex; `hmac` would load OpenSSL."""
    key = key.encode()
    if len(key) > 64:
        key = sha256(key).digest()
    key = key.ljust(64, b'\0')
    inner = sha256(bytes(b ^ 0x36 for b in key) + message).digest()
    return sha256(bytes(b ^ 0x5C for b in key) + inner).hexdigest()
