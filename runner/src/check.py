"""The image of the server's check job, made on the spot: a sandbox is tried without a registry."""

from .formats import sha256

CHECK_IMAGE = 'magnetar/check'
"""What src/dispatcher/sandbox-check.ts asks for; nothing of this name is ever pulled."""

# uname's machine -> ELF machine number, page alignment, and code that ends with exit code 0.
CHECK_CODE = {
    'x86_64': (62, 0x1000, '31ff b83c000000 0f05'),  # xor edi,edi; mov eax,60; syscall
    # mov x0,#0; mov x8,#93; svc #0
    'aarch64': (183, 0x10000, '000080d2 a80b80d2 010000d4'),
}
CHECK_CODE['arm64'] = CHECK_CODE['aarch64']  # What macOS calls the same machine.


def check_program(machine):
    """A static ELF program: header, one segment to load, the code; None on other machines."""
    if machine not in CHECK_CODE:
        return None
    from struct import pack

    number, page, code = CHECK_CODE[machine]
    code, base, heads = bytes.fromhex(code.replace(' ', '')), 0x400000, 64 + 56
    size = heads + len(code)
    head = pack('<4sBBB9x', b'\x7fELF', 2, 1, 1)  # 64 bits, little-endian, version 1.
    head += pack('<HHIQQQIHHHHHH', 2, number, 1, base + heads, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = pack('<IIQQQQQQ', 1, 5, 0, base, base, size, size, page)  # PT_LOAD, read and execute.
    return head + segment + code


def check_name(program):
    """By its content, so that a later check finds the image and a later version does not; without a
    registry's name nobody asks one."""
    return 'localhost/%s:%s' % (CHECK_IMAGE, sha256(program).hexdigest()[:12])


def check_tar(program):
    """The root file system: `bin/true`."""
    import io
    import tarfile

    data, entry = io.BytesIO(), tarfile.TarInfo('bin/true')
    entry.mode, entry.size = 0o755, len(program)
    with tarfile.open(fileobj=data, mode='w') as tar:
        tar.addfile(entry, io.BytesIO(program))
    return data.getvalue()
