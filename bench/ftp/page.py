"""The generated part of a page, between two markers; what stands around it is written by hand. Pure."""

BEGIN = "<!-- make bench writes from here -->"
END = "<!-- make bench writes to here -->"


def between_markers(page: str, content: str) -> str:
    """The page with new content. Raises ValueError when the markers are not there, once each and in order."""
    before, began, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not began or not ended or BEGIN in after or END in after:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}, once each")
    return f"{before}{BEGIN}\n\n{content.strip()}\n\n{END}{after}"
