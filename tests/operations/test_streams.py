"""Bodies that come from inside the house."""

from crossdock.operations.streams import BodyStream, BytesBody


async def test_a_body_in_memory_is_one_chunk_of_known_length_without_trailers() -> None:
    body: BodyStream = BytesBody(content=b"hello")

    assert body.length == 5
    assert [chunk async for chunk in body] == [b"hello"]
    assert body.trailers == {}
