"""However a document is kept, it comes back byte for byte."""

import random

from hypothesis import given
from hypothesis import strategies as st

from contracts.bodies import BUCKET, GZIP, JSON, pack, unpack
from contracts.canonical import canonical


@given(st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore").decode()), st.integers(1, 2_000))
def test_a_packed_body_unpacks_to_the_same_bytes(text: str, times: int):
    """The body is what every snapshot is made of."""
    document = canonical([text] * times)
    body = pack(document, source_id="s", version=1, document_hash="h")

    assert document == unpack(body.ref.encoding, body.data)
    assert len(document) == body.ref.bytes


def test_a_body_moves_out_of_the_table_as_it_grows():
    """Text is readable in the console, gzip fits ten times more, and an item holds 400 KB."""
    noise = random.Random(1)
    sizes = {JSON: 1_000, GZIP: 100_000, BUCKET: 1_000_000}

    for encoding, size in sizes.items():
        document = canonical(f"{noise.getrandbits(4 * size):x}")
        assert encoding == pack(document, source_id="s", version=1, document_hash="h").ref.encoding


def test_a_body_is_named_by_source_version_and_hash():
    """Two owners that write the same version with other data never overwrite each other."""
    assert pack(b"1", source_id="s", version=3, document_hash="aa").ref.id == "s@3@aa"
