"""Bodies that lie in memory in pieces."""

from crossdock.adapters.embedded.pieces import CHUNK_BYTES, PiecesBody


async def chunks_of(*pieces) -> list[bytes]:
    return [chunk async for chunk in PiecesBody(pieces)]


async def test_pieces_of_any_kind_come_one_after_the_other():
    pieces = (b"one ", bytearray(b"two "), memoryview(b"three"))
    assert PiecesBody(pieces).length == 13
    assert await chunks_of(*pieces) == [b"one ", b"two ", b"three"]


async def test_no_pieces_and_empty_ones_are_an_empty_body():
    assert PiecesBody(()).length == 0
    assert await chunks_of() == []
    assert await chunks_of(b"", bytearray()) == []


async def test_a_large_piece_is_copied_bit_by_bit():
    piece = bytearray(2 * CHUNK_BYTES + 1)
    chunks = await chunks_of(piece)
    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES, CHUNK_BYTES, 1]


async def test_a_view_of_larger_items_counts_its_bytes():
    view = memoryview(b"12345678").cast("I")
    assert PiecesBody((view,)).length == 8
    assert await chunks_of(view) == [b"12345678"]


async def test_what_is_given_out_is_not_changed_by_what_happens_to_the_piece():
    piece = bytearray(b"before")
    (chunk,) = await chunks_of(piece)
    piece[:] = b"after!"
    assert chunk == b"before"


async def test_a_body_can_be_read_again():
    body = PiecesBody((b"content",))
    for _ in range(2):
        assert [chunk async for chunk in body] == [b"content"]
    assert body.trailers == {}
