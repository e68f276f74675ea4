"""The generated parts of a page, each between two markers; what stands around them is written by hand. Pure."""


def between_markers(page: str, part: str, content: str) -> str:
    """The page with new content in a part. Raises ValueError when its markers are not there, once each and in order."""
    begin, end = markers(part)
    before, began, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not began or not ended or begin in after or end in after:
        raise ValueError(f"the page needs the lines {begin} and {end}, once each")
    return f"{before}{begin}\n\n{content.strip()}\n\n{end}{after}"


def markers(part: str) -> tuple[str, str]:
    return f"<!-- make bench writes {part} from here -->", f"<!-- make bench writes {part} to here -->"
