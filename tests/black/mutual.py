"""
A client that wants the server to prove itself, as requests-kerberos with mutual_authentication=REQUIRED does. Run as a
program with the environment of a realm: mutual.py PORT PATH [spoil]. Prints the status of the answer, and whether
its proof was good.
"""

import base64
import ctypes
import http.client
import sys

gss = ctypes.CDLL("libgssapi_krb5.so.2")
GSS_C_MUTUAL_FLAG, COMPLETE, CONTINUE_NEEDED = 2, 0, 1


class Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_void_p)]

    @classmethod
    def of(cls, data):
        buffer = cls(len(data), ctypes.cast(ctypes.create_string_buffer(data, len(data)), ctypes.c_void_p))
        buffer.keep = data
        return buffer


class Oid(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("elements", ctypes.c_char_p)]


SPNEGO = Oid(6, b"\x2b\x06\x01\x05\x05\x02")


class Client:
    def __init__(self, service):
        self.minor, self.context, self.name = ctypes.c_uint32(), ctypes.c_void_p(), ctypes.c_void_p()
        text = Buffer.of(service)
        kind = ctypes.c_void_p.in_dll(gss, "GSS_C_NT_HOSTBASED_SERVICE")
        assert gss.gss_import_name(ctypes.byref(self.minor), ctypes.byref(text), kind, ctypes.byref(self.name)) == 0

    def step(self, given=None):
        """(major status, our token)"""
        out, token = Buffer(), Buffer.of(given) if given else None
        major = gss.gss_init_sec_context(
            ctypes.byref(self.minor), None, ctypes.byref(self.context), self.name, ctypes.byref(SPNEGO),
            GSS_C_MUTUAL_FLAG, 0, None, ctypes.byref(token) if token else None, None, ctypes.byref(out), None, None)
        return major & 0xFFFFFFFF, ctypes.string_at(out.value, out.length) if out.length else b""


def main(port, path, spoil=None):
    client = Client(b"HTTP@localhost")
    major, token = client.step()
    assert major == CONTINUE_NEEDED, hex(major)
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    connection.request("GET", path, headers={"Authorization": f"Negotiate {base64.b64encode(token).decode()}"})
    answer = connection.getresponse()
    proof = bytearray(base64.b64decode(answer.getheader("WWW-Authenticate").split(" ")[1]))
    if spoil:
        proof[-5] ^= 1
    major, _ = client.step(bytes(proof))
    print(answer.status, "proved" if major == COMPLETE else "not proved")


main(*sys.argv[1:])
