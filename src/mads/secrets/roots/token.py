"""The main of a process that wraps or unwraps one key with a token of PKCS#11: a card, a TPM, an HSM.

A vendor's library runs here and not in the core. The private key stays in the token. Of OAEP's hashes all tokens know
the oldest alone; that two texts with one hash of it can be made is nothing to OAEP.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

try:
    import pkcs11
except ImportError:
    sys.exit("it needs a library; pip install 'mads[pkcs11]'")
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA1
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass

PIN = "MADS_PKCS11_PIN"

_OAEP = (Mechanism.SHA_1, MGF.SHA1, None)


def wrapped(private: Any, key: bytes) -> bytes:
    """Return `key`, wrapped; it has been unwrapped again, so that nothing is ever under a key that opens nothing."""
    exponent, modulus = (int.from_bytes(private[each]) for each in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS))
    public = RSAPublicNumbers(exponent, modulus).public_key()
    done = public.encrypt(key, OAEP(MGF1(SHA1()), SHA1(), None))  # noqa: S303  as said above
    unwrapped(private, done)
    return done


def unwrapped(private: Any, done: bytes) -> bytes:
    """Return the key that was wrapped."""
    try:
        return bytes(private.decrypt(done, mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=_OAEP))
    except pkcs11.PKCS11Error as error:  # which one, each token has its own view of
        sys.exit(f"{private.label!r} does not unwrap it ({_said(error)}); name the key that wrapped, and may decrypt")


@contextmanager
def _opened(module: str, token: str, label: str) -> Generator[Any]:
    """Yield the private key; end the process with what to do where the token does not give it."""
    if not (pin := os.environ.get(PIN)):
        sys.exit(f"it wants its PIN; set {PIN} before the system starts")
    try:
        with pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin) as session:
            yield session.get_key(ObjectClass.PRIVATE_KEY, KeyType.RSA, label)
    except (pkcs11.PinIncorrect, pkcs11.PinLenRange, pkcs11.PinInvalid):
        sys.exit(f"it refuses the PIN in {PIN}; mend that before you try again, since tokens lock after a few")
    except pkcs11.PinLocked:
        sys.exit("it is locked after wrong PINs; unlock it by its own tool")
    except pkcs11.NoSuchToken:
        sys.exit("there is none of this name; plug it in, or see what there is: pkcs11-tool -L")
    except pkcs11.MultipleTokensReturned:
        sys.exit("there are several of this name; pull out all but one")
    except pkcs11.NoSuchKey:
        sys.exit(f"it has no private RSA key {label!r}; see what it has: pkcs11-tool --login -O")
    except pkcs11.MultipleObjectsReturned:
        sys.exit(f"it has several private RSA keys {label!r}; give the one that is meant another label")
    except pkcs11.PKCS11Error as error:
        sys.exit(f"it refuses: {_said(error)}")


def _said(error: pkcs11.PKCS11Error) -> str:
    return f"{type(error).__name__} {error}".rstrip()


def main() -> None:
    """Read one line of base64, and answer it with one."""
    module, token, label, verb = sys.argv[1:]
    said = base64.b64decode(sys.stdin.readline())
    with _opened(module, token, label) as private:
        told = wrapped(private, said) if verb == "wrap" else unwrapped(private, said)
    sys.stdout.write(base64.b64encode(told).decode())


if __name__ == "__main__":
    main()
