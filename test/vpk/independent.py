"""Reads and writes VPKs with Python's standard library, from the description of the format alone, so that left4me's
reader is compared with an independent implementation.

    independent.py list FILE    prints the same as `left4me vpk ls --json FILE`. Sizes and checksums are computed from the
                                data and compared with those in the tree.
    independent.py write DIR    writes archives of versions 1 and 2, both in one file and in several.
"""

import hashlib
import json
import os
import struct
import sys
import zlib


def text(data, at):
    end = data.index(b"\0", at)
    return data[at:end].decode("utf-8"), end + 1


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    magic, version, tree_size = struct.unpack_from("<III", data)
    assert magic == 0x55AA1234 and version in (1, 2), path
    at = start = 12 if version == 1 else 28
    entries = []
    while True:
        ext, at = text(data, at)
        if not ext:
            break
        while True:
            folder, at = text(data, at)
            if not folder:
                break
            while True:
                name, at = text(data, at)
                if not name:
                    break
                crc, preload, index, offset, length, end = struct.unpack_from("<IHHIIH", data, at)
                assert end == 0xFFFF, at
                at += 18
                full = ("" if folder == " " else folder + "/") + ("" if name == " " else name) + ("" if ext == " " else "." + ext)
                entries.append((full, crc, data[at : at + preload], index, offset, length))
                at += preload
    assert at - start == tree_size, (at - start, tree_size)
    if version == 2:
        check_sums(data, at, start)
    parts = {0x7FFF: data[at:]}
    base = path[: -len("_dir.vpk")] if path.endswith("_dir.vpk") else path[: -len(".vpk")]
    out = []
    for full, crc, head, index, offset, length in entries:
        if length and index not in parts:
            with open("%s_%03d.vpk" % (base, index), "rb") as f:
                parts[index] = f.read()
        content = head + (parts[index][offset : offset + length] if length else b"")
        assert len(content) == len(head) + length, full
        assert zlib.crc32(content) == crc, full
        out.append({"path": full, "size": len(content), "crc32": "%08x" % zlib.crc32(content)})
    return out


def check_sums(data, at, start):
    data_size, pieces, other, _ = struct.unpack_from("<IIII", data, 12)
    section = at + data_size
    sums = section + pieces
    assert other == 48
    md5 = lambda b: hashlib.md5(b).digest()
    assert data[sums : sums + 16] == md5(data[start:at])
    assert data[sums + 16 : sums + 32] == md5(data[section:sums])
    assert data[sums + 32 : sums + 48] == md5(data[: sums + 32])


def write(path, version, files):
    """files: (folder, name, ext, content, bytes in the tree, index)"""
    parts, tree = {0x7FFF: b""}, b""
    for ext in sorted({f[2] for f in files}):
        tree += ext.encode() + b"\0"
        for folder in sorted({f[0] for f in files if f[2] == ext}):
            tree += folder.encode() + b"\0"
            for _, name, _, content, preload, index in [f for f in files if f[2] == ext and f[0] == folder]:
                rest = content[preload:]
                part = parts.setdefault(index, b"")
                tree += name.encode() + b"\0"
                tree += struct.pack("<IHHIIH", zlib.crc32(content), preload, index, len(part), len(rest), 0xFFFF) + content[:preload]
                parts[index] = part + rest
            tree += b"\0"
        tree += b"\0"
    tree += b"\0"
    own = parts.pop(0x7FFF)
    if version == 1:
        out = struct.pack("<III", 0x55AA1234, 1, len(tree)) + tree + own
    else:
        md5 = lambda b: hashlib.md5(b).digest()
        pieces = b"".join(struct.pack("<III", i, 0, len(p)) + md5(p) for i, p in [(0x7FFF, own)] + sorted(parts.items()))
        out = struct.pack("<IIIIIII", 0x55AA1234, 2, len(tree), len(own), len(pieces), 48, 0) + tree + own + pieces
        out += md5(tree) + md5(pieces)
        out += md5(out)
    with open(path, "wb") as f:
        f.write(out)
    base = path[: -len("_dir.vpk")] if path.endswith("_dir.vpk") else path[: -len(".vpk")]
    for index, part in parts.items():
        with open("%s_%03d.vpk" % (base, index), "wb") as f:
            f.write(part)


def noise(n, seed):
    return hashlib.shake_128(seed).digest(n)


def write_all(folder):
    files = [
        (" ", "addoninfo", "txt", b'"AddonInfo"{addontitle "\xe6\xb4\x9b"}', 0, 0x7FFF),
        ("maps", "first", "bsp", noise(3_000_001, b"1"), 0, 0),
        ("maps", "second", "bsp", noise(1_048_576, b"2"), 1000, 1),
        ("maps", "third", "bsp", noise(70_000, b"3"), 65_535, 1),
        ("maps", "all in the tree", "nav", noise(500, b"4"), 500, 0x7FFF),
        ("a/b/c", "readme", " ", b"no extension\n", 3, 0x7FFF),
        ("a/b", " ", "hidden", b"no name", 0, 12),
        ("a", "empty", "txt", b"", 0, 3),
        ("\xfc", "\u6d1b.v2", "txt", b"other letters", 0, 0x7FFF),
    ]
    one = [f[:5] + (0x7FFF,) for f in files]
    write(os.path.join(folder, "one1.vpk"), 1, one)
    write(os.path.join(folder, "one2.vpk"), 2, one)
    write(os.path.join(folder, "parts1_dir.vpk"), 1, files)
    write(os.path.join(folder, "parts2_dir.vpk"), 2, files)
    write(os.path.join(folder, "empty2.vpk"), 2, [])


if __name__ == "__main__":
    if sys.argv[1] == "list":
        print(json.dumps(read(sys.argv[2])))
    else:
        write_all(sys.argv[2])
